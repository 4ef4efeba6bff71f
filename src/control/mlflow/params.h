// The parameters of one call, from the query of a GET or the JSON body of anything else. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "domain/version.h"

namespace podium::control {

/// Ask for every parameter, then Finish: the first thing wrong is what it returns; what is read
/// after an error are defaults. Names are asked for in snake case; a body may have them in camel
/// case as well. Unknown names are passed over, as MLflow does.
class Params {
 public:
  /// kInvalidArgument for a query that is not UTF-8 once decoded.
  static Result<Params> FromQuery(std::string_view query);
  /// Bytes that are not a JSON object count as {}, so that the answer names what is missing. A
  /// string that holds an object (old clients) is that object.
  static Params FromBody(std::string_view bytes);

  std::string Required(std::string_view name);  ///< Not empty.
  std::optional<std::string> Text(std::string_view name);
  bool Flag(std::string_view name);
  /// 1 to `max`.
  int Count(std::string_view name, int fallback, int max);
  std::vector<std::string> Texts(std::string_view name);
  TagMap Tags(std::string_view name);
  std::int64_t VersionNumber();  ///< Of `version`, which is text.

  Status Finish() const;

 private:
  Params(Json object, bool is_query) : object_(std::move(object)), is_query_(is_query) {}
  const Json* Find(std::string_view name);
  void Complain(std::string message, std::string_view name);
  void ComplainOfType(const Json& value, std::string_view name);

  Json object_;  // Of a query each value is a list of texts.
  bool is_query_;
  std::optional<Error> first_;
};

}  // namespace podium::control
