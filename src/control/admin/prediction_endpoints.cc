// /api/v1/predictions: what was predicted, by the index that sees all replicas; payloads from this
// server's own segments.
#include <algorithm>
#include <utility>

#include "control/admin/context.h"
#include "control/admin/period.h"
#include "control/admin/prediction_json.h"
#include "control/admin/query.h"
#include "predictions/segment_reader.h"
#include "store/prediction_store.h"

namespace podium::control {
namespace {

constexpr std::size_t kMaxCursorBytes = 64;

bool IsPredictionId(std::string_view text) {
  return text.size() <= kMaxCursorBytes && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
         });
}

Result<store::PredictionQuery> ReadPredictionQuery(const net::RequestHead& head, WallTime now) {
  PODIUM_TRY(CheckQuery(head, {"route", "version", "outcome", "unit", "request_id", "since",
                               "until", "limit", "cursor", "feedback"}));
  store::PredictionQuery query;
  query.route = QueryText(head, "route");
  query.version = QueryText(head, "version");
  query.unit = QueryText(head, "unit");
  query.request_id = QueryText(head, "request_id");
  if (const auto outcome = QueryText(head, "outcome")) {
    query.outcome = ParsePredictionOutcome(*outcome);
    if (!query.outcome) {
      return Fail(
          Error{ErrorCode::kInvalidArgument,
                fmt::format("outcome must be ok, refused, timeout or error, not \"{}\"", *outcome),
                "outcome", nullptr});
    }
  }
  if (const auto since = QueryText(head, "since")) {
    PODIUM_TRY_ASSIGN(query.since, ReadMoment("since", *since, now));
  }
  if (const auto until = QueryText(head, "until")) {
    PODIUM_TRY_ASSIGN(query.until, ReadMoment("until", *until, now));
  }
  PODIUM_TRY_ASSIGN(query.limit, PageLimit(head));
  query.cursor = QueryText(head, "cursor").value_or("");
  if (IsPredictionId(query.cursor)) return query;
  return Fail(Error{ErrorCode::kInvalidArgument,
                    "the cursor is not one that this list gave out: start again without one",
                    "cursor", nullptr});
}

Result<Json> WithFeedback(const AdminContext& context, const PredictionRow& row) {
  PODIUM_TRY_ASSIGN(const std::vector<Feedback> items,
                    context.predictions->ReadFeedback(row.route, row.request_id));
  Json json = PredictionJson(row);
  json["feedback"] = Json::array();
  if (items.empty()) return json;
  PODIUM_TRY_ASSIGN(const std::string about,
                    context.predictions->LabelledPrediction(row.route, row.request_id));
  if (about != row.id) return json;  // It was sent again: what is said is said of the answer.
  for (const Feedback& item : items) json["feedback"].push_back(FeedbackJson(item));
  return json;
}

Result<Json> Joined(const AdminContext& context, const std::vector<PredictionRow>& rows) {
  Json items = Json::array();
  for (const PredictionRow& row : rows) {
    PODIUM_TRY_ASSIGN(Json json, WithFeedback(context, row));
    items.push_back(std::move(json));
  }
  return items;
}

AdminReply ListPredictions(AdminCall& call) {
  const Result<store::PredictionQuery> query =
      ReadPredictionQuery(call.exchange.head(), call.context.clock.Now());
  if (!query) co_return Fail(query.error());
  auto read = RunOn(call.context.pools.reads,
                    [&] { return call.context.predictions->ListPredictions(*query); });
  const Result<store::Page<PredictionRow>> page = co_await std::move(read);
  if (!page) co_return Fail(page.error());
  Json items = Json::array();
  const bool joined = QueryText(call.exchange.head(), "feedback") == "true";
  if (joined) {
    auto join = RunOn(call.context.pools.reads, [&] { return Joined(call.context, page->items); });
    Result<Json> rows = co_await std::move(join);
    if (!rows) co_return Fail(rows.error());
    items = *std::move(rows);
  } else {
    for (const PredictionRow& row : page->items) items.push_back(PredictionJson(row));
  }
  co_return PageResponse(call, std::move(items), page->next_cursor);
}

// What only the segment has. A replica has its own: the answer says whose to ask.
void AddPayloads(const AdminContext& context, const PredictionRow& row, Json& json) {
  Result<std::string> line =
      predictions::FindLine(context.predictions_folder, row.segment, row.offset, row.id);
  const Result<Json> parsed = line ? ParseJson(*line) : Result<Json>(Fail(line.error()));
  json["payloads_here"] = parsed.has_value();
  for (const char* key : {"path", "request", "answer", "other_answer"}) {
    const bool found = parsed && parsed->is_object() && parsed->contains(key);
    json[key] = found ? (*parsed)[key] : Json();
  }
  if (!parsed) json["payloads_missing"] = parsed.error().message;
}

Result<Json> OnePrediction(const AdminContext& context, const std::string& id) {
  PODIUM_TRY_ASSIGN(const PredictionRow row, context.predictions->FindPrediction(id));
  PODIUM_TRY_ASSIGN(Json json, WithFeedback(context, row));
  AddPayloads(context, row, json);
  return json;
}

AdminReply GetPrediction(AdminCall& call) {
  const std::string id(call.captures.Get("id"));
  if (!IsPredictionId(id)) {
    co_return Fail(ErrorCode::kInvalidArgument, "\"{}\" is no id of a prediction", id);
  }
  auto read = RunOn(call.context.pools.reads, [&] { return OnePrediction(call.context, id); });
  const Result<Json> json = co_await std::move(read);
  if (!json) co_return Fail(json.error());
  co_return JsonResponse(*json);
}

}  // namespace

void AddPredictionEndpoints(AdminRoutes& routes) {
  using enum net::HttpMethod;
  routes.Add(kGet, "/api/v1/predictions", {ListPredictions});
  routes.Add(kGet, "/api/v1/predictions/{id}", {GetPrediction});
}

}  // namespace podium::control
