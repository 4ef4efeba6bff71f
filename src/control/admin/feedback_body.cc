#include "control/admin/feedback_body.h"

#include <cmath>
#include <limits>
#include <utility>

#include "base/json.h"
#include "base/limits.h"
#include "control/admin/fields.h"

namespace podium::control {
namespace {

// 0 and 1 are as often written as false and true.
std::optional<double> Truth(Fields& fields, const char* name) {
  const Json* value = fields.Value(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_boolean()) return value->get<bool>() ? 1.0 : 0.0;
  return fields.Number(name);
}

Result<FeedbackItem> ReadItem(const Json& json) {
  if (!json.is_object()) {
    return Fail(ErrorCode::kInvalidArgument, "it must be an object, not {}", json.type_name());
  }
  Fields fields(json);
  FeedbackItem item;
  item.id = fields.Text("id", limits::kMaxNameBytes);
  Feedback& feedback = item.feedback;
  feedback.request_id = fields.Text("request_id", limits::kMaxUnitBytes);
  feedback.route = fields.Text("route", limits::kMaxNameBytes);
  const std::optional<double> row = fields.Number("row");
  if (row && (*row < 0 || *row >= limits::kMaxPredictRows || std::trunc(*row) != *row)) {
    fields.Complain(
        "row", fmt::format("\"row\" must be a whole number below {}", limits::kMaxPredictRows));
  }
  feedback.row = row ? static_cast<std::int64_t>(*row) : 0;
  feedback.label = Truth(fields, "label");
  feedback.score = fields.Number("score");
  feedback.prediction = fields.Number("prediction");
  if (item.id.empty() == feedback.request_id.empty()) {
    fields.Complain("request_id",
                    "name the prediction by \"request_id\" (x-request-id of its "
                    "answer) or by \"id\": one of the two");
  }
  if (!feedback.label && !feedback.score) {
    fields.Complain("label",
                    "\"label\" (what was true) or \"score\" (what it was worth) is "
                    "required: a number");
  }
  PODIUM_TRY(fields.Finish());
  return item;
}

Result<std::vector<FeedbackItem>> ReadFeedbackItems(const Json& list) {
  if (list.empty()) return Fail(ErrorCode::kInvalidArgument, "there is no item in it");
  if (list.size() > limits::kMaxFeedbackBatch) {
    return Fail(ErrorCode::kTooLarge, "{} items: send at most {} at once", list.size(),
                limits::kMaxFeedbackBatch);
  }
  std::vector<FeedbackItem> items;
  for (const Json& each : list) {
    Result<FeedbackItem> item = ReadItem(each);
    if (!item) {
      Error error = std::move(item).error();
      error.message = fmt::format("item {}: {}", items.size() + 1, error.message);
      return Fail(std::move(error));
    }
    items.push_back(*std::move(item));
  }
  return items;
}

Result<Json> ReadLinesAsList(std::string_view body) {
  Json list = Json::array();
  while (!body.empty()) {
    const std::size_t end = std::min(body.find('\n'), body.size());
    const std::string_view line = body.substr(0, end);
    body.remove_prefix(std::min(end + 1, body.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    Result<Json> json = ParseJson(line);
    if (!json) {
      return Fail(ErrorCode::kInvalidArgument, "item {} is no JSON: {}", list.size() + 1,
                  json.error().message);
    }
    list.push_back(*std::move(json));
    if (list.size() > limits::kMaxFeedbackBatch) break;
  }
  return list;
}

}  // namespace

Result<std::vector<FeedbackItem>> ReadFeedbackBody(std::string_view body, FeedbackForm form) {
  if (form == FeedbackForm::kLines) {
    PODIUM_TRY_ASSIGN(const Json lines, ReadLinesAsList(body));
    return ReadFeedbackItems(lines);
  }
  PODIUM_TRY_ASSIGN(const Json json, ParseJson(body));
  if (json.is_array()) return ReadFeedbackItems(json);
  if (json.is_object() && json.size() == 1 && json.contains("items") && json["items"].is_array()) {
    return ReadFeedbackItems(json["items"]);
  }
  PODIUM_TRY_ASSIGN(FeedbackItem item, ReadItem(json));
  return std::vector<FeedbackItem>{std::move(item)};
}

}  // namespace podium::control
