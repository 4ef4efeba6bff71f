// POST /api/v1/feedback: what turned out to be true of predictions, whenever that is known.
#include <set>
#include <span>
#include <tuple>
#include <utility>

#include "base/task.h"
#include "control/admin/context.h"
#include "control/admin/feedback_body.h"
#include "control/admin/prediction_json.h"
#include "control/admin/query.h"
#include "net/media_type.h"
#include "store/prediction_store.h"

namespace podium::control {
namespace {

constexpr std::size_t kFeedbackTransaction = 100;  // A change that waits is let past behind these.

Result<FeedbackForm> FormOf(const net::RequestHead& head) {
  const auto type = head.Find("content-type");
  if (type && net::IsMediaType(*type, "application/json")) return FeedbackForm::kJson;
  if (type && (net::IsMediaType(*type, "application/x-ndjson") ||
               net::IsMediaType(*type, "application/jsonl"))) {
    return FeedbackForm::kLines;
  }
  return Fail(ErrorCode::kUnsupportedMedia,
              "Content-Type must be application/json or application/x-ndjson, not {}",
              type ? *type : "absent");
}

Result<std::vector<PredictionRow>> PredictionsOf(store::PredictionStore& store,
                                                 const Feedback& feedback) {
  store::PredictionQuery query;
  query.request_id = feedback.request_id;
  if (!feedback.route.empty()) query.route = feedback.route;
  query.limit = limits::kPredictionsOfRequest;
  PODIUM_TRY_ASSIGN(store::Page<PredictionRow> page, store.ListPredictions(query));
  return std::move(page.items);
}

/// An item whose prediction is named whole.
struct Resolved {
  Feedback feedback;
  bool known = false;  // The index has the prediction.
};

Result<Resolved> Resolve(store::PredictionStore& store, const FeedbackItem& item) {
  Resolved resolved{item.feedback};
  Feedback& feedback = resolved.feedback;
  if (!item.id.empty()) {
    PODIUM_TRY_ASSIGN(const PredictionRow row, store.FindPrediction(item.id));
    if (!feedback.route.empty() && feedback.route != row.route) {
      return Fail(ErrorCode::kInvalidArgument, "prediction {} is of route {}, not {}", item.id,
                  row.route, feedback.route);
    }
    feedback.route = row.route;
    feedback.request_id = row.request_id;
    PODIUM_TRY_ASSIGN(const std::vector<PredictionRow> same, PredictionsOf(store, feedback));
    // What is said is kept by request, and counts for one of its predictions.
    PODIUM_TRY_ASSIGN(const std::string about, store.LabelledPrediction(row.route, row.request_id));
    if (same.size() > 1 && about != item.id) {
      return Fail(ErrorCode::kConflict,
                  "prediction {} was sent again: what request {} of route {} was answered with is "
                  "prediction {}",
                  item.id, row.request_id, row.route, about);
    }
    resolved.known = true;
    return resolved;
  }
  PODIUM_TRY_ASSIGN(const std::vector<PredictionRow> rows, PredictionsOf(store, feedback));
  resolved.known = !rows.empty();
  if (!feedback.route.empty()) return resolved;
  std::set<std::string> routes;
  for (const PredictionRow& row : rows) routes.insert(row.route);
  if (routes.size() != 1) {
    return Fail(Error{ErrorCode::kInvalidArgument,
                      fmt::format("request {} {}: name the \"route\"", feedback.request_id,
                                  routes.empty() ? "is not known yet" : "is of several routes"),
                      "/route", nullptr});
  }
  feedback.route = *routes.begin();
  return resolved;
}

Result<std::vector<Resolved>> ResolveAll(const AdminContext& context,
                                         const std::vector<FeedbackItem>& items,
                                         const std::string& actor) {
  std::vector<Resolved> all;
  std::set<std::tuple<std::string, std::string, std::int64_t>> seen;
  for (const FeedbackItem& item : items) {
    PODIUM_TRY_ASSIGN(Resolved one, Resolve(*context.predictions, item));
    one.feedback.actor = actor;
    one.feedback.at = context.clock.Now();
    if (!seen.emplace(one.feedback.route, one.feedback.request_id, one.feedback.row).second) {
      return Fail(ErrorCode::kInvalidArgument,
                  "row {} of request {} is in it twice: which of the two is true?",
                  one.feedback.row, one.feedback.request_id);
    }
    all.push_back(std::move(one));
  }
  return all;
}

Json FeedbackReport(const std::vector<Resolved>& all,
                    const std::vector<store::FeedbackFate>& fates) {
  Json items = Json::array();
  std::array<int, 3> counts{};
  for (std::size_t i = 0; i < all.size(); ++i) {
    Json item = FeedbackJson(all[i].feedback);
    item["fate"] = store::NameOf(fates[i]);
    item["known"] = all[i].known;
    items.push_back(std::move(item));
    ++counts[static_cast<std::size_t>(fates[i])];
  }
  Json json;
  json["new"] = counts[0];
  json["same"] = counts[1];
  json["replaced"] = counts[2];
  json["items"] = std::move(items);
  return json;
}

AdminReply TakeFeedback(AdminCall& call) {
  const AdminContext& context = call.context;
  const net::RequestHead& head = call.exchange.head();
  if (Status known = CheckQuery(head, {}); !known) co_return Fail(std::move(known).error());
  const Result<FeedbackForm> form = FormOf(head);
  if (!form) co_return Fail(form.error());
  auto read = call.exchange.ReadBody(context.options.max_body_bytes);
  const Result<std::string_view> body = co_await std::move(read);
  if (!body) co_return Fail(body.error());
  const Result<std::vector<FeedbackItem>> items = ReadFeedbackBody(*body, *form);
  if (!items) co_return Fail(items.error());
  auto resolve =
      RunOn(context.pools.reads, [&] { return ResolveAll(context, *items, call.principal.actor); });
  const Result<std::vector<Resolved>> all = co_await std::move(resolve);
  if (!all) co_return Fail(all.error());

  std::vector<Feedback> feedback;
  for (const Resolved& one : *all) feedback.push_back(one.feedback);
  std::vector<store::FeedbackFate> fates;
  while (fates.size() < feedback.size()) {
    const std::size_t size = std::min(kFeedbackTransaction, feedback.size() - fates.size());
    const auto some = std::span(feedback).subspan(fates.size(), size);
    auto write =
        RunOn(context.pools.writer, [&] { return context.predictions->RecordFeedback(some); });
    const Result<std::vector<store::FeedbackFate>> written = co_await std::move(write);
    // What is in stays: the same items again change nothing.
    if (!written) co_return Fail(written.error());
    fates.insert(fates.end(), written->begin(), written->end());
  }
  co_return JsonResponse(FeedbackReport(*all, fates));
}

}  // namespace

void AddFeedbackEndpoints(AdminRoutes& routes) {
  routes.Add(net::HttpMethod::kPost, "/api/v1/feedback",
             {TakeFeedback, Endpoint::Access::kAdmin, Endpoint::Body::kStream,
              Endpoint::Precondition::kNone});
}

}  // namespace podium::control
