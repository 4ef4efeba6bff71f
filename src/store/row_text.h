// Columns that hold structured values, to text and back. Shared by the SQL adapters, so that one
// database can be read into another.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/version.h"

namespace podium::store {

std::string MetricsToText(const MetricMap& metrics);  ///< Empty when there are none.
std::string TagsToText(const TagMap& tags);
/// kUnprocessable for text that is not an object of numbers, or of strings.
Result<MetricMap> MetricsFromText(std::string_view text);
Result<TagMap> TagsFromText(std::string_view text);
/// kUnprocessable for text that is neither empty nor a JSON object.
Status CheckObjectText(std::string_view text);

}  // namespace podium::store
