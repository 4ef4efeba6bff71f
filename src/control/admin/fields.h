// Reads the fields of a JSON object once, strictly: wrong types, limits and unknown names are
// errors that say which field.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "domain/version.h"

namespace podium::control {

/// Ask for every field, then Finish: the first thing wrong is what it returns. Absent and null are
/// the same. Values read before an error was seen are defaults.
class Fields {
 public:
  explicit Fields(const Json& object) : object_(object) {}

  std::string Text(std::string_view name, std::size_t limit);
  std::string RequiredText(std::string_view name, std::size_t limit);
  std::optional<double> Number(std::string_view name);
  bool Flag(std::string_view name);           ///< False when absent.
  const Json* Value(std::string_view name);   ///< Of any type; nullptr when absent.
  const Json* Object(std::string_view name);  ///< nullptr when absent.
  const Json* Array(std::string_view name);
  MetricMap Metrics(std::string_view name);
  TagMap Tags(std::string_view name);

  void Complain(std::string_view name, std::string problem);
  /// kInvalidArgument for the first problem, or for a field that nobody asked for.
  Status Finish() const;

 private:
  const Json* Find(std::string_view name);

  const Json& object_;
  std::set<std::string, std::less<>> known_;
  std::optional<Error> first_;
};

}  // namespace podium::control
