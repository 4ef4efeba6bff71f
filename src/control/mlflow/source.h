// Where a version says that it comes from, before anybody believes it. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"

namespace podium::control {

/// A source that is taken as it is.
struct PlainSource {};
/// `models:/<name>/<number>`: another version, whose files and run are meant. The name is as it is
/// written, not percent-decoded.
struct VersionSource {
  std::string name;
  std::int64_t number = 0;
};
/// `models:/<model id>`: a logged model, which the tracking server knows.
struct LoggedModelSource {
  std::string model_id;
};
using Source = std::variant<PlainSource, VersionSource, LoggedModelSource>;

/// kInvalidArgument, with what to send instead: for a path that leads upwards, however often it is
/// percent-encoded; for a file of this machine, which a caller must not make readable by naming it;
/// for a run or logged model that is another than `run_id` or `model_id` says.
Result<Source> ReadSource(std::string_view source, std::string_view run_id,
                          std::string_view model_id);

}  // namespace podium::control
