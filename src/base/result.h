// Result<T>: a value or an Error. The one way that a function of Podium fails.
#pragma once

#include <fmt/format.h>

#include <tl/expected.hpp>
#include <utility>

#include "base/error.h"

namespace podium {

template <typename T>
using Result = tl::expected<T, Error>;

/// A result without a value.
using Status = Result<void>;

using Failure = tl::unexpected<Error>;

/// `return Fail(ErrorCode::kConflict, "route {} moved: re-read and retry", route);`
template <typename... Args>
[[nodiscard]] Failure Fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  return Failure(Error{code, fmt::format(format, std::forward<Args>(args)...), "", nullptr});
}

/// Passes an error of one result on as that of another.
[[nodiscard]] inline Failure Fail(Error error) { return Failure(std::move(error)); }

}  // namespace podium

#define PODIUM_CONCAT_INNER(a, b) a##b
#define PODIUM_CONCAT(a, b) PODIUM_CONCAT_INNER(a, b)

/// Leaves the function with the error of `expression`, if it has one.
#define PODIUM_TRY(expression)                                    \
  do {                                                            \
    if (auto podium_status = (expression); !podium_status) {      \
      return ::podium::Failure(std::move(podium_status).error()); \
    }                                                             \
  } while (false)

/// Declares `name` as the value of `expression`, or leaves the function with its error.
#define PODIUM_TRY_ASSIGN(name, expression)                                               \
  auto PODIUM_CONCAT(podium_result_, __LINE__) = (expression);                            \
  if (!PODIUM_CONCAT(podium_result_, __LINE__)) {                                         \
    return ::podium::Failure(std::move(PODIUM_CONCAT(podium_result_, __LINE__)).error()); \
  }                                                                                       \
  name = std::move(*PODIUM_CONCAT(podium_result_, __LINE__)) /* NOLINT: needs the caller's `;` */
