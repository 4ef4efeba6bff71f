// /api/v1/routes/{route}/rollouts: begin one, look at it, and every verb on one that runs.
// /api/v1/rollouts: those of all routes.
#include <algorithm>
#include <utility>

#include "base/utf8.h"
#include "control/admin/context.h"
#include "control/admin/query.h"
#include "control/admin/rollout_epoch.h"
#include "control/admin/rollout_json.h"
#include "control/admin/rollout_outlook.h"
#include "control/admin/rollout_reading.h"
#include "control/admin/verbs.h"
#include "control/admin/version_json.h"
#include "domain/rollout_json.h"
#include "rollout/alpha.h"
#include "rollout/epoch_plan.h"
#include "store/cursor.h"

namespace podium::control {
namespace {

RouteName RolledRoute(const AdminCall& call) {
  return RouteName(std::string(call.captures.Get("route")));
}
RolloutId IdOfRollout(const AdminCall& call) {
  return RolloutId(std::string(call.captures.Get("id")));
}

// ---- Looking.

// Those that run with their latest sentence; what has ended, its row tells.
Json ListJson(const AdminContext& c, const std::vector<Rollout>& rollouts) {
  Json items = Json::array();
  for (const Rollout& rollout : rollouts) {
    items.push_back(ToJson(rollout, BesideOf(c, rollout, !HasEnded(rollout.phase))));
  }
  return items;
}

Task<Result<net::Response>> ListPage(AdminCall& call, store::RolloutQuery query) {
  const net::RequestHead& head = call.exchange.head();
  const Result<int> limit = PageLimit(head);
  if (!limit) co_return Fail(limit.error());
  query.limit = *limit;
  query.cursor = QueryText(head, "cursor").value_or("");
  auto read = RunOn(call.context.pools.reads, [&]() -> Result<net::Response> {
    PODIUM_TRY_ASSIGN(const auto page, call.context.rollouts->ListRollouts(query));
    return PageResponse(call, ListJson(call.context, page.items), page.next_cursor);
  });
  co_return co_await std::move(read);
}

// The running ones; ?all=true: those that have ended too.
AdminReply ListAll(AdminCall& call) {
  const net::RequestHead& head = call.exchange.head();
  if (Status known = CheckQuery(head, {"all", "limit", "cursor"}); !known) {
    co_return Fail(std::move(known).error());
  }
  const Result<bool> all = QueryFlag(head, "all");
  if (!all) co_return Fail(all.error());
  store::RolloutQuery query;
  query.running_only = !*all;
  auto list = ListPage(call, std::move(query));
  co_return co_await std::move(list);
}

AdminReply ListOfRoute(AdminCall& call) {
  if (Status known = CheckQuery(call.exchange.head(), {"limit", "cursor"}); !known) {
    co_return Fail(std::move(known).error());
  }
  const RouteName route = RolledRoute(call);
  if (call.context.publisher.state().view->Find(route.get()) == nullptr) {
    co_return Fail(ErrorCode::kNotFound, "there is no route {}", route.get());
  }
  store::RolloutQuery query;
  query.route = route;
  auto list = ListPage(call, std::move(query));
  co_return co_await std::move(list);
}

// By its id alone too: who has only that from an event or a log need not know the route.
Result<Rollout> RolloutOf(const AdminCall& call) {
  store::RolloutStore& rollouts = *call.context.rollouts;
  const RouteName route = RolledRoute(call);
  return route.get().empty() ? rollouts.FindRollout(IdOfRollout(call))
                             : FindRolloutOf(rollouts, route, IdOfRollout(call));
}

AdminReply GetRollout(AdminCall& call) {
  const AdminContext& c = call.context;
  auto read = RunOn(c.pools.reads, [&]() -> Result<net::Response> {
    PODIUM_TRY_ASSIGN(const Rollout rollout, RolloutOf(call));
    Json json = ToJson(rollout, BesideOf(c, rollout, true));
    const PrimaryTraffic traffic =
        TrafficOf(c.stats, rollout.primary, c.clock.SteadyNow() - c.started);
    if (!HasEnded(rollout.phase)) {
      json["outlook"] = ToJson(OutlookOf(rollout.plan, traffic, rollout.attempt), traffic);
    }
    net::Response response = JsonResponse(json);
    response.headers.Add("ETag", fmt::format("\"{}\"", rollout.revision.get()));
    return response;
  });
  co_return co_await std::move(read);
}

Result<store::VerdictQuery> VerdictQueryOf(const net::RequestHead& head) {
  store::VerdictQuery query;
  PODIUM_TRY_ASSIGN(query.limit, PageLimit(head));
  const std::string cursor = QueryText(head, "cursor").value_or("");
  if (cursor.empty()) return query;
  PODIUM_TRY_ASSIGN(query.after, store::DecodeVerdictCursor(cursor));
  return query;
}

// Number 0 is the latest look; the others led to something. A page may end before its limit, since
// evidence is long.
AdminReply ListVerdicts(AdminCall& call) {
  const AdminContext& c = call.context;
  const net::RequestHead& head = call.exchange.head();
  if (Status known = CheckQuery(head, {"limit", "cursor"}); !known) {
    co_return Fail(std::move(known).error());
  }
  const Result<store::VerdictQuery> query = VerdictQueryOf(head);
  if (!query) co_return Fail(query.error());
  auto read = RunOn(c.pools.reads, [&]() -> Result<net::Response> {
    PODIUM_TRY_ASSIGN(const Rollout rollout, RolloutOf(call));
    PODIUM_TRY_ASSIGN(const auto page, c.rollouts->ReadVerdictPage(rollout.id, *query));
    Json items = Json::array();
    for (const store::RolloutVerdict& verdict : page.items) items.push_back(ToJson(verdict));
    std::string next;
    if (page.more) next = store::EncodeVerdictCursor(page.items.back().number);
    return PageResponse(call, std::move(items), next);
  });
  co_return co_await std::move(read);
}

// ---- Beginning one.

/// A start with all that it needs, read and frozen.
struct PreparedStart {
  store::StartRollout verb;
  std::string candidate_version;
  std::string primary_version;
  PrimaryTraffic traffic;
  int attempt = 1;
};

// Blocking. A route without a primary is left to the verb to refuse.
Result<PreparedStart> Prepare(const AdminContext& c, const RouteName& route,
                              const RolloutStart& asked) {
  PODIUM_TRY_ASSIGN(const store::RouteState state, c.store.ReadRoute(route));
  PODIUM_TRY_ASSIGN(const ModelVersion candidate, CandidateIn(state, asked.candidate));
  PreparedStart start;
  start.verb = {route, candidate.model_id, asked.plan, {}};
  start.candidate_version = candidate.version;
  ModelId primary;
  for (const ModelVersion& version : state.versions) {
    if (version.status != VersionStatus::kPrimary) continue;
    primary = version.model_id;
    start.primary_version = version.version;
  }
  start.traffic = TrafficOf(c.stats, primary, c.clock.SteadyNow() - c.started);
  start.verb.first = rollout::FirstEpoch(asked.plan, BaselineHere(c.stats, primary));
  PODIUM_TRY_ASSIGN(start.attempt, NextAttemptOf(c, state, candidate));
  return start;
}

// What would happen. A refusal is an answer here, not an error: it is what was asked for.
Result<net::Response> Preview(const AdminContext& c, const PreparedStart& start,
                              store::MutationContext context) {
  const Status allowed = Rehearsed(c, start.verb, std::move(context));
  const RolloutOutlook outlook = OutlookOf(start.verb.plan, start.traffic, start.attempt);
  Json json;
  json["dry_run"] = true;
  json["route"] = start.verb.route.get();
  json["candidate"] = start.verb.candidate.get();
  json["candidate_version"] = start.candidate_version;
  json["primary_version"] = OrNull(start.primary_version);
  json["would_start"] = allowed.has_value();
  json["objections"] = Json::array();
  if (!allowed) {
    json["objections"].push_back(
        {{"code", TraitsOf(allowed.error().code).slug}, {"detail", Describe(allowed.error())}});
  }
  json["attempt"] = start.attempt;
  json["alpha"] = rollout::AttemptAlpha(start.verb.plan.alpha, start.attempt);
  json["plan"] = ToJson(start.verb.plan);
  json["outlook"] = ToJson(outlook, start.traffic);
  return JsonResponse(json);
}

// The rollout itself, with what the verb did beside it.
net::Response RolloutResponse(const AdminCall& call, const VerbOutcome& outcome,
                              const RolloutBeside& beside, int status = 200,
                              std::optional<Json> outlook = std::nullopt) {
  Json json = Json::object();
  if (outcome.committed.rollout) json = ToJson(*outcome.committed.rollout, beside);
  if (outlook) json["outlook"] = std::move(*outlook);
  AddOutcome(json, call, outcome);
  net::Response response = JsonResponse(json, outcome.applied() || status != 200 ? status : 202);
  const std::optional<Rollout>& rollout = outcome.committed.rollout;
  const Revision revision = rollout ? rollout->revision : outcome.committed.route.revision;
  response.headers.Add("ETag", fmt::format("\"{}\"", revision.get()));
  return response;
}

AdminReply StartRollout(AdminCall& call) {
  const AdminContext& c = call.context;
  const net::RequestHead& head = call.exchange.head();
  if (Status known = CheckQuery(head, {"dry_run"}); !known) {
    co_return Fail(std::move(known).error());
  }
  const Result<bool> dry_run = QueryFlag(head, "dry_run");
  if (!dry_run) co_return Fail(dry_run.error());
  Result<RolloutStart> asked = ReadRolloutStart(call.body);
  if (!asked) co_return Fail(std::move(asked).error());
  Result<store::MutationContext> context = ContextOf(call, asked->reason, asked->force);
  if (!context) co_return Fail(std::move(context).error());

  auto prepare = RunOn(c.pools.reads, [&] { return Prepare(c, RolledRoute(call), *asked); });
  Result<PreparedStart> start = co_await std::move(prepare);
  if (!start) co_return Fail(std::move(start).error());
  if (*dry_run) {
    auto preview = RunOn(c.pools.reads, [&] { return Preview(c, *start, std::move(*context)); });
    co_return co_await std::move(preview);
  }
  auto verb = CarryOutAs(c, start->verb, std::move(*context));
  const Result<VerbOutcome> outcome = co_await std::move(verb);
  if (!outcome) co_return Fail(outcome.error());
  const std::optional<Rollout>& begun = outcome->committed.rollout;
  const RolloutOutlook outlook =
      OutlookOf(start->verb.plan, start->traffic, begun ? begun->attempt : start->attempt);
  RolloutBeside beside;
  beside.candidate_version = start->candidate_version;
  beside.primary_version = start->primary_version;
  net::Response response =
      RolloutResponse(call, *outcome, beside, 201, ToJson(outlook, start->traffic));
  if (begun) {
    response.headers.Add("Location", fmt::format("/api/v1/routes/{}/rollouts/{}",
                                                 begun->route.get(), begun->id.get()));
  }
  co_return response;
}

// ---- Verbs on one that runs.

/// What a verb makes of the rollout as it stands.
using MoveMaker = Result<store::MoveRollout> (*)(const AdminContext& c, const Rollout& rollout,
                                                 const RolloutVerbBody& body);

store::MoveRollout MoveOf(const Rollout& rollout, store::RolloutMove move, std::string said) {
  store::MoveRollout verb;
  verb.route = rollout.route;
  verb.id = rollout.id;
  verb.move = move;
  verb.said = std::move(said);
  return verb;
}

// "paused by local:alice: the provider is being moved"
std::string Sentence(std::string_view done, const store::MutationContext& context) {
  std::string text = fmt::format("{} by {}", done, context.actor);
  if (!context.reason.empty()) text += ": " + context.reason;
  return Shortened(text, limits::kMaxReasonBytes - 8);  // And what says it was cut.
}

Error Mismatch(const Rollout& rollout, Revision asked) {
  return {ErrorCode::kRevisionMismatch,
          fmt::format("rollout {} is at revision {}, not {}: look again", rollout.id.get(),
                      rollout.revision.get(), asked.get()),
          "If-Match", nullptr};
}

Task<Result<net::Response>> Move(AdminCall& call, MoveMaker make, RolloutVerbBody body) {
  const AdminContext& c = call.context;
  if (Status known = CheckQuery(call.exchange.head(), {}); !known) {
    co_return Fail(std::move(known).error());
  }
  Result<store::MutationContext> context = ContextOf(call, body.reason, body.force);
  if (!context) co_return Fail(std::move(context).error());
  // If-Match is the rollout's own tag here, not the route's.
  const std::optional<Revision> if_match = std::exchange(context->if_match, std::nullopt);
  auto read = RunOn(c.pools.reads, [&]() -> Result<store::MoveRollout> {
    PODIUM_TRY_ASSIGN(const Rollout rollout, RolloutOf(call));
    if (if_match && *if_match != rollout.revision) return Fail(Mismatch(rollout, *if_match));
    PODIUM_TRY_ASSIGN(store::MoveRollout verb, make(c, rollout, body));
    if (if_match) verb.seen = if_match;
    return verb;
  });
  Result<store::MoveRollout> verb = co_await std::move(read);
  if (!verb) co_return Fail(std::move(verb).error());
  verb->said = Sentence(verb->said, *context);
  auto carry_out = CarryOutAs(c, std::move(*verb), std::move(*context));
  const Result<VerbOutcome> outcome = co_await std::move(carry_out);
  if (!outcome) co_return Fail(outcome.error());
  // Its latest look is of before: what has just been done is in its row.
  RolloutBeside beside;
  if (outcome->committed.rollout) beside = NamesOf(c, *outcome->committed.rollout);
  co_return RolloutResponse(call, *outcome, beside);
}

AdminReply PlainMove(AdminCall& call, MoveMaker make, bool with_share = false,
                     bool with_force = false) {
  Result<RolloutVerbBody> body = ReadRolloutVerb(call.body, with_share, with_force);
  if (!body) co_return Fail(std::move(body).error());
  auto move = Move(call, make, std::move(*body));
  co_return co_await std::move(move);
}

AdminReply Pause(AdminCall& call) {
  return PlainMove(call, [](const AdminContext&, const Rollout& rollout, const RolloutVerbBody&) {
    return Result<store::MoveRollout>(MoveOf(rollout, store::RolloutMove::kPause, "paused"));
  });
}

AdminReply Resume(AdminCall& call) {
  return PlainMove(call, [](const AdminContext&, const Rollout& rollout, const RolloutVerbBody&) {
    return Result<store::MoveRollout>(MoveOf(rollout, store::RolloutMove::kResume, "resumed"));
  });
}

// The two that nothing may hold up: they are not pinned to what was seen.
AdminReply Abort(AdminCall& call) {
  return PlainMove(call, [](const AdminContext&, const Rollout& rollout, const RolloutVerbBody&) {
    return Result<store::MoveRollout>(MoveOf(rollout, store::RolloutMove::kAbort, "aborted"));
  });
}

AdminReply RollBackRollout(AdminCall& call) {
  return PlainMove(call, [](const AdminContext&, const Rollout& rollout, const RolloutVerbBody&) {
    return Result<store::MoveRollout>(
        MoveOf(rollout, store::RolloutMove::kRollBack, "rolled back"));
  });
}

// The first part of a step, or of a share that a person sets, with what is known by now.
Result<RolloutEpoch> EpochAt(const AdminContext& c, const Rollout& rollout, std::uint32_t step,
                             BasisPoints share) {
  PODIUM_TRY_ASSIGN(const store::RolloutEvidence evidence, c.rollouts->ReadEvidence(rollout.id));
  return rollout::NextEpoch(rollout, step, share, CountsOfPrimary(evidence),
                            BaselineHere(c.stats, rollout.primary));
}

// Opens the gate of the present step; else takes the next step now, whatever was proven.
Result<store::MoveRollout> MakeStep(const AdminContext& c, const Rollout& rollout,
                                    const RolloutVerbBody&) {
  const std::vector<RolloutStep>& steps = rollout.plan.steps;
  if (rollout.step < steps.size() && steps[rollout.step].gate && !rollout.gate_open) {
    store::MoveRollout open = MoveOf(rollout, store::RolloutMove::kOpenGate,
                                     fmt::format("gate of step {} opened", rollout.step + 1));
    open.seen = rollout.revision;
    return open;
  }
  const std::optional<std::uint32_t> above = rollout::StepAbove(rollout);
  if (!above && !HasEnded(rollout.phase)) {
    return Fail(ErrorCode::kUnprocessable,
                "rollout {} is at its last step: POST /api/v1/routes/{}/rollouts/{}/promote",
                rollout.id.get(), rollout.route.get(), rollout.id.get());
  }
  const std::uint32_t next = above.value_or(rollout.step);  // Of one that has ended: it is refused.
  store::MoveRollout step = MoveOf(rollout, store::RolloutMove::kEpoch,
                                   fmt::format("step {} of {} ({} %) taken by hand", next + 1,
                                               steps.size(), FormatPercent(steps[next].share)));
  PODIUM_TRY_ASSIGN(step.epoch, EpochAt(c, rollout, next, steps[next].share));
  step.seen = rollout.revision;  // Two who ask at once take one step.
  return step;
}

AdminReply StepUp(AdminCall& call) { return PlainMove(call, MakeStep); }

Result<store::MoveRollout> MakeShare(const AdminContext& c, const Rollout& rollout,
                                     const RolloutVerbBody& body) {
  store::MoveRollout share = MoveOf(rollout, store::RolloutMove::kEpoch,
                                    fmt::format("share set to {} %", FormatPercent(*body.share)));
  const std::uint32_t step = rollout::StepOfShare(rollout.plan, *body.share);
  PODIUM_TRY_ASSIGN(share.epoch, EpochAt(c, rollout, step, *body.share));
  share.seen = rollout.revision;
  return share;
}

AdminReply SetShare(AdminCall& call) { return PlainMove(call, MakeShare, true); }

// INV-12: with the latest verdict as its proof where that is positive; else it takes a person,
// which the store sees to.
Result<store::MoveRollout> MakePromotion(const AdminContext& c, const Rollout& rollout,
                                         const RolloutVerbBody&) {
  store::MoveRollout promote = MoveOf(rollout, store::RolloutMove::kPromote, "promoted");
  PODIUM_TRY_ASSIGN(promote.proof, ProofOfPromotion(*c.rollouts, rollout));
  if (promote.proof) promote.seen = rollout.revision;
  return promote;
}

AdminReply PromoteRollout(AdminCall& call) { return PlainMove(call, MakePromotion, false, true); }

}  // namespace

void AddRolloutEndpoints(AdminRoutes& routes) {
  using enum net::HttpMethod;
  constexpr auto kAdmin = Endpoint::Access::kAdmin;
  constexpr auto kJson = Endpoint::Body::kJson;
  routes.Add(kGet, "/api/v1/rollouts", {ListAll});
  routes.Add(kGet, "/api/v1/rollouts/{id}", {GetRollout});
  routes.Add(kGet, "/api/v1/routes/{route}/rollouts", {ListOfRoute});
  routes.Add(kPost, "/api/v1/routes/{route}/rollouts", {StartRollout, kAdmin, kJson});
  routes.Add(kGet, "/api/v1/routes/{route}/rollouts/{id}", {GetRollout});
  routes.Add(kGet, "/api/v1/routes/{route}/rollouts/{id}/verdicts", {ListVerdicts});
  routes.Add(kPost, "/api/v1/routes/{route}/rollouts/{id}/pause", {Pause, kAdmin, kJson});
  routes.Add(kPost, "/api/v1/routes/{route}/rollouts/{id}/resume", {Resume, kAdmin, kJson});
  routes.Add(kPost, "/api/v1/routes/{route}/rollouts/{id}/step", {StepUp, kAdmin, kJson});
  routes.Add(kPost, "/api/v1/routes/{route}/rollouts/{id}/share", {SetShare, kAdmin, kJson});
  routes.Add(kPost, "/api/v1/routes/{route}/rollouts/{id}/promote",
             {PromoteRollout, kAdmin, kJson});
  routes.Add(kPost, "/api/v1/routes/{route}/rollouts/{id}/abort", {Abort, kAdmin, kJson});
  routes.Add(kPost, "/api/v1/routes/{route}/rollouts/{id}/rollback",
             {RollBackRollout, kAdmin, kJson});
}

}  // namespace podium::control
