// POST /api/v1/routes/{route}/rollouts/{id}/metrics: what became of answers, as their callers see
// it later, for guards on custom metrics.
#include <map>
#include <utility>

#include "base/task.h"
#include "control/admin/context.h"
#include "control/admin/query.h"
#include "control/admin/rollout_reading.h"
#include "control/admin/rollout_reports.h"

namespace podium::control {
namespace {

using SeriesOfEpoch = std::pair<std::uint32_t, std::uint32_t>;

// Drops what an epoch has no room for; how many. Blocking.
Result<std::size_t> DropOverflow(store::RolloutStore& store, const RolloutId& id,
                                 std::vector<store::RolloutHit>& hits) {
  std::map<SeriesOfEpoch, bool> full;
  for (const store::RolloutHit& hit : hits) {
    const SeriesOfEpoch at(hit.epoch, hit.series);
    if (full.contains(at)) continue;
    PODIUM_TRY_ASSIGN(const std::uint64_t kept, store.CountHits(id, hit.epoch, hit.series));
    full[at] = kept >= limits::kMaxReportedUnits;
  }
  return std::erase_if(
      hits, [&](const store::RolloutHit& hit) { return full.at({hit.epoch, hit.series}); });
}

/// What is to be written, and what is answered.
struct PreparedReports {
  TakenReports taken;
  std::size_t overflow = 0;
  bool has_ended = false;
};

Result<PreparedReports> PrepareReports(const AdminCall& call,
                                       const std::vector<MetricReport>& reports) {
  store::RolloutStore& rollouts = *call.context.rollouts;
  const RouteName route(std::string(call.captures.Get("route")));
  const RolloutId id(std::string(call.captures.Get("id")));
  PODIUM_TRY_ASSIGN(const Rollout rollout, FindRolloutOf(rollouts, route, id));
  PreparedReports prepared;
  PODIUM_TRY_ASSIGN(prepared.taken, TakeReports(rollout, reports));
  prepared.has_ended = HasEnded(rollout.phase);
  if (prepared.has_ended) prepared.taken.hits.clear();
  PODIUM_TRY_ASSIGN(prepared.overflow, DropOverflow(rollouts, id, prepared.taken.hits));
  return prepared;
}

AdminReply TakeMetrics(AdminCall& call) {
  const AdminContext& c = call.context;
  if (Status known = CheckQuery(call.exchange.head(), {}); !known) {
    co_return Fail(std::move(known).error());
  }
  const Result<std::vector<MetricReport>> reports = ReadReports(call.body);
  if (!reports) co_return Fail(reports.error());
  auto prepare = RunOn(c.pools.reads, [&] { return PrepareReports(call, *reports); });
  const Result<PreparedReports> prepared = co_await std::move(prepare);
  if (!prepared) co_return Fail(prepared.error());
  const TakenReports& taken = prepared->taken;
  if (!taken.hits.empty()) {
    auto write = RunOn(c.pools.writer, [&] { return c.rollouts->RecordEvidence({}, taken.hits); });
    if (const Status written = co_await std::move(write); !written) co_return Fail(written.error());
  }
  Json json;
  json["bad"] = taken.hits.size();
  json["good"] = taken.good;
  json["of_other_rollouts"] = taken.of_others;
  json["over_the_limit"] = prepared->overflow;
  json["ended"] = prepared->has_ended;
  co_return JsonResponse(json);
}

}  // namespace

void AddRolloutReportEndpoints(AdminRoutes& routes) {
  routes.Add(net::HttpMethod::kPost, "/api/v1/routes/{route}/rollouts/{id}/metrics",
             {TakeMetrics, Endpoint::Access::kAdmin, Endpoint::Body::kJson});
}

}  // namespace podium::control
