// How libpodium says that something went wrong: a value whose text tells who must do what.
//
// No function of libpodium throws on its own account; out of memory ends as C++ has it.
//
// All of libpodium lives in podium::v1, as version 1 of the library's interface does. Users write
// podium::Registry; whoever must keep those names free defines PODIUM_NO_SHORT_NAMES.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace podium {
namespace v1 {}
#ifndef PODIUM_NO_SHORT_NAMES
using namespace v1;
#endif
}  // namespace podium

namespace podium::v1 {

/// What a program does about an error. A closed list.
enum class ErrorCode : std::uint8_t {
  kInvalidArgument,  ///< Wrong in itself: asking again cannot help.
  kNotFound,         ///< The named thing does not exist.
  kConflict,         ///< The registry forbids it as it stands: read it again, decide again.
  kLimited,          ///< A named limit is reached.
  kUnprocessable,    ///< Allowed, but a row of the registry stands in the way: mend it first.
  kUnavailable,      ///< The registry cannot be reached now, or nobody answered.
  kInternal,         ///< A fault of libpodium.
};

/// "not_found": stable, for logs and labels.
[[gnu::visibility("default")]] std::string_view NameOf(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;  ///< One sentence for the person who must act, with its causes.
  std::string where;    ///< The field at fault; may be empty.
};

template <typename T>
using Result = tl::expected<T, Error>;

/// A result without a value.
using Status = Result<void>;

}  // namespace podium::v1
