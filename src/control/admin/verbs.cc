#include "control/admin/verbs.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/digest.h"
#include "base/limits.h"
#include "base/log.h"
#include "control/admin/admission.h"
#include "control/admin/fields.h"
#include "control/admin/follow_json.h"
#include "control/admin/rollout_json.h"
#include "control/admin/shadow_json.h"
#include "control/admin/version_json.h"
#include "domain/names.h"

namespace podium::control {
namespace {

/// Counts a verb as pending for as long as its coroutine lives.
class PendingMark {
 public:
  PendingMark(PendingVerbs& pending, const store::Mutation& mutation)
      : counter_(std::holds_alternative<store::PromoteVersion>(mutation) ? pending.promote
                                                                         : pending.other) {
    ++counter_;
  }
  ~PendingMark() { --counter_; }
  PendingMark(const PendingMark&) = delete;
  PendingMark& operator=(const PendingMark&) = delete;

 private:
  std::atomic<int>& counter_;
};

std::string OriginOf(const net::RequestHead& head) {
  const auto origin = head.Find("x-podium-origin");
  if (!origin || !CheckName("X-Podium-Origin", *origin)) return "api";
  return std::string(*origin);
}

// Whoever may administer may say on whose behalf: the trail then shows both, "local:alice".
Status NamePerson(const net::RequestHead& head, store::MutationContext& context) {
  const auto person = head.Find("x-podium-actor");
  if (!person) return {};
  if (Status good = CheckName("X-Podium-Actor", *person); !good) {
    return Fail(std::move(good).error().At("X-Podium-Actor"));
  }
  context.actor += fmt::format(":{}", *person);
  context.named_person = true;
  return {};
}

// Keys are a caller's own, and a request is its path and its body. Hashed, so that a row of the
// table has a bound and no caller's text.
Status TakeIdempotencyKey(const AdminCall& call, store::MutationContext& context) {
  const net::RequestHead& head = call.exchange.head();
  const auto key = head.Find("idempotency-key");
  if (!key) return {};
  Status good = key->empty() ? Fail(ErrorCode::kInvalidArgument, "Idempotency-Key is empty")
                             : CheckText("Idempotency-Key", *key, limits::kMaxUnitBytes);
  if (!good) return Fail(std::move(good).error().At("Idempotency-Key"));
  context.idempotency = store::IdempotencyKey{
      Sha256Hex(fmt::format("{}\n{}", context.actor, *key)),
      Sha256Hex(fmt::format("{} {}\n{}", NameOf(head.method), head.path, DumpJson(call.body)))};
  return {};
}

void NoteSignature(const runtime::ModelRuntime& runtime, const ModelId& id,
                   store::MutationContext& context) {
  const std::optional<runtime::ModelStatus> status = runtime.StatusOf(id);
  if (status && status->model) {
    context.loaded_signatures.insert_or_assign(id, status->model->signature());
  }
}

// What the signature gate compares: the primary, and what may be put beside or before it.
void NoteSignatures(const runtime::ModelRuntime& runtime, const store::RouteState& state,
                    const store::Subject& subject, store::MutationContext& context) {
  for (const ModelVersion& row : state.versions) {
    if (row.status == VersionStatus::kPrimary) NoteSignature(runtime, row.model_id, context);
  }
  NoteSignature(runtime, subject.id, context);
  for (const ModelId& id : subject.others) NoteSignature(runtime, id, context);
}

// The rollout that the mutation moves, else the one that runs on the route; nullopt where there is
// none, or none that can be found: then the commit says so.
Result<std::optional<Rollout>> RolloutFor(const AdminContext& c, const store::Subject& subject,
                                          const Route& route) {
  RolloutId id = subject.rollout;
  if (id.get().empty() && route.rollout) id = route.rollout->id;
  if (c.rollouts == nullptr || id.get().empty()) return std::optional<Rollout>();
  Result<Rollout> found = c.rollouts->FindRollout(id);
  if (found) return std::optional(std::move(*found));
  if (found.error().code == ErrorCode::kNotFound) return std::optional<Rollout>();
  return Fail(std::move(found).error());
}

// Reads what the mutation is about and rehearses it. Blocking: runs on the pool for reads.
Result<Admission> Rehearse(const AdminContext& c, const store::Mutation& mutation,
                           store::MutationContext& context) {
  store::RegistryStore& store = c.store;
  const store::Subject subject = store::SubjectOf(mutation);
  std::optional<ModelVersion> named;
  RouteName route = subject.route;
  if (!subject.id.get().empty()) {
    if (Result<ModelVersion> found = store.FindVersion(subject.id)) {
      if (route.get().empty()) route = found->route;
      named = std::move(*found);
    } else if (found.error().code != ErrorCode::kNotFound || route.get().empty()) {
      return Fail(std::move(found).error());
    }
  }
  PODIUM_TRY_ASSIGN(const store::RouteState state, store.ReadRoute(route));
  NoteSignatures(c.runtime, state, subject, context);
  PODIUM_TRY_ASSIGN(const std::optional<Rollout> rollout, RolloutFor(c, subject, state.route));
  if (rollout) NoteSignature(c.runtime, rollout->candidate, context);
  return Admit(state, named, mutation, context, rollout);
}

// Blocking: runs on the pool for loads. The handles, one for each local version in their order,
// keep the models warm until the view has them.
Result<std::vector<ModelHandle>> MakeReady(runtime::ModelRuntime& runtime,
                                           const ProviderStates& providers,
                                           const std::vector<ModelVersion>& versions,
                                           std::chrono::milliseconds timeout) {
  std::vector<ModelHandle> handles;
  for (const ModelVersion& version : versions) {
    if (version.provider_key != kLocalProvider) {
      const std::string why = WhyNotCallable(providers, version.provider_key);
      if (why.empty()) continue;
      return Fail(ErrorCode::kUnprocessable, "version {} cannot serve: {}", version.model_id.get(),
                  why);
    }
    const runtime::WantedModel wanted{version.model_id, version.artifact_uri,
                                      version.artifact_sha256, version.format, version.signature};
    PODIUM_TRY_ASSIGN(ModelHandle handle, runtime.EnsureReady(wanted, timeout));
    handles.push_back(std::move(handle));
  }
  return handles;
}

// Refused by the rows themselves, before anything was written. Of any other error nobody knows
// whether the commit is in.
bool IsRefusal(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kNotFound:
    case ErrorCode::kConflict:
    case ErrorCode::kRevisionMismatch:
    case ErrorCode::kUnprocessable:
      return true;
    default:
      return false;
  }
}

// INV-8: a change that took effect unseen must find its models warm when the poll brings it.
Task<void> KeepWarm(const AdminContext& c, std::vector<ModelHandle> warm, Revision revision) {
  if (warm.empty()) co_return;
  auto keep = RunOn(c.pools.publish, [&]() -> Status {
    c.publisher.KeepUntilRead(std::move(warm), revision);
    return {};
  });
  (void)co_await std::move(keep);  // Not done when the server stops: then nothing serves.
}

bool IsRegistration(const store::Mutation& mutation) {
  return std::holds_alternative<store::RegisterVersion>(mutation);
}

// It moves no traffic, and may be about a route that is not there yet.
bool CommitAloneJudges(const store::Mutation& mutation) {
  return IsRegistration(mutation) || std::holds_alternative<store::SetFollow>(mutation) ||
         std::holds_alternative<store::ResumeFollow>(mutation);
}

// A registration changes no traffic, so nobody waits until others have heard of it.
bool WaitsForOthers(const store::Mutation& mutation, const store::Committed& committed) {
  return committed.changed && !IsRegistration(mutation);
}

// A rollback always works: what it goes back to is served by the chain until it is ready. What
// ends a rollout goes back to the primary that serves already.
bool NeedsOthersReady(const store::Mutation& mutation) {
  return !std::holds_alternative<store::RollBackRoute>(mutation) && !TakesBack(mutation);
}

// What was forced stands in the trail beside why.
std::string WithForced(std::string reason, const std::string& missing) {
  reason += fmt::format("{}[forced: {}]", reason.empty() ? "" : " ", missing);
  if (reason.size() <= limits::kMaxReasonBytes) return reason;
  std::size_t end = limits::kMaxReasonBytes;
  while (end > 0 && (static_cast<unsigned char>(reason[end]) & 0xC0U) == 0x80U) --end;
  reason.resize(end);  // Between two characters.
  return reason;
}

/// What is made ready, and where. `forced`: whether the others may lack it.
struct Readying {
  std::vector<ModelVersion> versions;
  bool others_too = true;
  bool forced = false;
};

// INV-7: here, and on the other replicas, which load at the same time. Returns what keeps the
// models of this one warm; `missing` gets what was forced.
Task<Result<std::vector<ModelHandle>>> MakeAllReady(const AdminContext& c, Readying what,
                                                    std::string& missing) {
  const SteadyTime loading_until = c.clock.SteadyNow() + c.options.load_timeout;
  if (what.others_too && !what.forced) {
    auto ask = HaveLoadedElsewhere(c, what.versions);
    if (Status asked = co_await std::move(ask); !asked) co_return Fail(std::move(asked).error());
  }
  auto load = RunOn(c.pools.loads, [&] {
    return MakeReady(c.runtime, c.options.providers, what.versions, c.options.load_timeout);
  });
  Result<std::vector<ModelHandle>> loaded = co_await std::move(load);
  if (!loaded || !what.others_too) co_return loaded;
  auto await =
      AwaitReadyElsewhere(c, what.versions, loading_until - c.clock.SteadyNow(), what.forced);
  Result<std::string> lacks = co_await std::move(await);
  if (!lacks) co_return Fail(std::move(lacks).error());
  missing = std::move(*lacks);
  co_return loaded;
}

// The same for a mutation, whose reason and signatures learn from it.
Task<Result<std::vector<ModelHandle>>> MakeReadyFor(const AdminContext& c,
                                                    std::vector<ModelVersion> versions,
                                                    const store::Mutation& mutation,
                                                    store::MutationContext& context) {
  std::string missing;
  // A follower's force is for a signature: nobody has looked at who lacks the version.
  const bool forced = context.force && context.named_person && !context.as_follower;
  auto ready = MakeAllReady(c, {versions, NeedsOthersReady(mutation), forced}, missing);
  Result<std::vector<ModelHandle>> loaded = co_await std::move(ready);
  if (!loaded) co_return loaded;
  if (!missing.empty()) context.reason = WithForced(context.reason, missing);
  // Now their models are known, whatever they were declared as; those that nobody wants yet, by
  // their handles only.
  std::size_t next = 0;
  for (const ModelVersion& version : versions) {
    if (version.provider_key != kLocalProvider) continue;
    context.loaded_signatures.insert_or_assign(version.model_id, (*loaded)[next++]->signature());
  }
  co_return loaded;
}

void CountEnd(EndedRollouts& ended, const std::optional<Rollout>& rollout) {
  if (!rollout) return;
  if (rollout->phase == RolloutPhase::kPromoted) ++ended.promoted;
  if (rollout->phase == RolloutPhase::kRolledBack) ++ended.rolled_back;
  if (rollout->phase == RolloutPhase::kAborted) ++ended.aborted;
}

bool MayBeForced(const store::Mutation& mutation) {
  return std::holds_alternative<store::PromoteVersion>(mutation) ||
         std::holds_alternative<store::ActivateVersion>(mutation);
}

Json FindingsJson(const std::vector<store::SignatureFinding>& findings) {
  Json list = Json::array();
  for (const store::SignatureFinding& finding : findings) {
    Json json = ToJson(finding.fit);
    json["model_id"] = finding.candidate.get();
    json["primary"] = finding.primary.get();
    json["forced"] = finding.forced;
    list.push_back(std::move(json));
  }
  return list;
}

}  // namespace

bool VerbOutcome::applied() const {
  return replicas_known && std::all_of(replicas.begin(), replicas.end(),
                                       [](const ReplicaApplied& one) { return one.applied; });
}

Result<std::optional<Revision>> IfMatch(const net::RequestHead& head) {
  const auto header = head.Find("if-match");
  if (!header || *header == "*") return std::optional<Revision>();
  std::string_view text = *header;
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    text = text.substr(1, text.size() - 2);
  }
  std::int64_t revision = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), revision);
  if (error != std::errc() || end != text.data() + text.size()) {
    return Fail(ErrorCode::kInvalidArgument,
                "If-Match must be a revision such as \"12\" (the ETag of a GET), not {}", *header);
  }
  return std::optional<Revision>(revision);
}

Result<store::MutationContext> ContextOf(const AdminCall& call, std::string reason, bool force) {
  store::MutationContext context;
  context.actor = call.principal.actor;
  context.force = force;
  PODIUM_TRY(NamePerson(call.exchange.head(), context));
  context.origin = OriginOf(call.exchange.head());
  context.reason = std::move(reason);
  context.request_id = call.request_id;
  PODIUM_TRY_ASSIGN(context.if_match, IfMatch(call.exchange.head()));
  return context;
}

Task<Result<VerbOutcome>> CarryOut(AdminCall& call, store::Mutation mutation, std::string reason,
                                   bool force) {
  Result<store::MutationContext> context = ContextOf(call, std::move(reason), force);
  if (!context) co_return Fail(std::move(context).error());
  if (IsRegistration(mutation)) {
    if (Status taken = TakeIdempotencyKey(call, *context); !taken) {
      co_return Fail(std::move(taken).error());
    }
  }
  auto carry_out = CarryOutAs(call.context, std::move(mutation), std::move(*context));
  co_return co_await std::move(carry_out);
}

Task<Result<std::vector<ModelHandle>>> MakeReadyEverywhere(const AdminContext& c,
                                                           ModelVersion version) {
  std::string nothing_forced;
  auto ready = MakeAllReady(c, {{std::move(version)}, true, false}, nothing_forced);
  co_return co_await std::move(ready);
}

Task<Result<VerbOutcome>> CarryOutAs(const AdminContext& c, store::Mutation mutation,
                                     store::MutationContext context) {
  std::vector<ModelHandle> warm;
  if (!CommitAloneJudges(mutation)) {
    auto rehearse = RunOn(c.pools.reads, [&] { return Rehearse(c, mutation, context); });
    Result<Admission> admission = co_await std::move(rehearse);
    if (!admission) {
      c.last_write.Note(admission.error());
      co_return Fail(std::move(admission).error());
    }
    Pin(*admission, mutation, context);
    if (!admission->goes_live.empty()) {
      auto ready = MakeReadyFor(c, admission->goes_live, mutation, context);
      Result<std::vector<ModelHandle>> loaded = co_await std::move(ready);
      if (!loaded) co_return Fail(std::move(loaded).error());
      warm = std::move(*loaded);
    }
  }

  const PendingMark mark(c.pending, mutation);
  auto commit = RunOn(c.pools.writer, [&] { return c.store.Apply(mutation, context); });
  Result<store::Committed> committed = co_await std::move(commit);
  if (!committed) {
    c.last_write.Note(committed.error());
    if (!IsRefusal(committed.error().code)) co_await KeepWarm(c, std::move(warm), Revision(0));
    co_return Fail(std::move(committed).error());
  }
  if (committed->changed) {
    c.last_write.Succeeded();
    CountEnd(c.ended_rollouts, committed->rollout);
  }

  VerbOutcome outcome{std::move(*committed), {}, true};
  auto publish = RunOn(c.pools.publish,
                       [&] { return c.publisher.PublishAtLeast(outcome.committed.revision); });
  const Status published = co_await std::move(publish);
  if (!published) co_await KeepWarm(c, std::move(warm), outcome.committed.revision);
  const auto patience = WaitsForOthers(mutation, outcome.committed) ? limits::kReplicasApply
                                                                    : std::chrono::milliseconds(0);
  const auto epoch = EpochOf(c.publisher.state().view->generation());
  auto await = AwaitApplied(c, MakeGeneration(epoch, outcome.committed.revision),
                            published.has_value(), patience);
  AppliedBy by = co_await std::move(await);
  outcome.replicas = std::move(by.replicas);
  outcome.replicas_known = by.known;
  if (!outcome.committed.changed) co_return outcome;
  LogInfo("registry changed", {{"kind", NameOf(outcome.committed.audit.kind)},
                               {"route", outcome.committed.route.name.get()},
                               {"from", outcome.committed.audit.from.value_or(ModelId()).get()},
                               {"to", outcome.committed.audit.to.value_or(ModelId()).get()},
                               {"revision", outcome.committed.revision.get()},
                               {"actor", context.actor},
                               {"applied", outcome.applied()},
                               {"request_id", context.request_id}});
  co_return outcome;
}

AdminReply CarryOutPlain(AdminCall& call, store::Mutation mutation) {
  Fields fields(call.body);
  std::string reason = fields.Text("reason", limits::kMaxReasonBytes);
  const bool force = MayBeForced(mutation) && fields.Flag("force");
  if (Status fit = fields.Finish(); !fit) co_return Fail(std::move(fit).error());
  auto verb = CarryOut(call, std::move(mutation), std::move(reason), force);
  Result<VerbOutcome> outcome = co_await std::move(verb);
  if (!outcome) co_return Fail(std::move(outcome).error());
  co_return VerbResponse(call, *outcome);
}

Status Rehearsed(const AdminContext& c, const store::Mutation& mutation,
                 store::MutationContext context) {
  PODIUM_TRY(Rehearse(c, mutation, context));
  return {};
}

void AddOutcome(Json& json, const AdminCall& call, const VerbOutcome& outcome) {
  json["route"] = outcome.committed.route.name.get();
  json["changed"] = outcome.committed.changed;
  const bool has_change = outcome.committed.changed || outcome.committed.replayed;
  json["change"] = has_change ? ToJson(outcome.committed.audit) : Json();
  json["signature_checks"] = FindingsJson(outcome.committed.signatures);
  json["follow"] = FollowJson(outcome.committed.route.follow);
  json["shadow"] = ShadowPlanJson(outcome.committed.route.shadow);
  json["challenger"] = ChallengerPlanJson(outcome.committed.route.challenger);
  json["generation"] = call.context.publisher.state().view->generation().get();
  json["replicas_known"] = outcome.replicas_known;
  json["replicas"] = Json::array();
  for (const ReplicaApplied& one : outcome.replicas) {
    json["replicas"].push_back({{"id", one.id}, {"applied", one.applied}});
  }
}

net::Response VerbResponse(const AdminCall& call, const VerbOutcome& outcome, int status) {
  Json json = Json::object();
  const std::optional<ModelVersion>& version = outcome.committed.version;
  if (version) json = ToJson(*version, StatusHere(call.context, *version));
  AddOutcome(json, call, outcome);
  const std::optional<Rollout>& rollout = outcome.committed.rollout;
  json["rollout"] = rollout ? RolloutLine(StandingOf(*rollout)) : Json();
  net::Response response = JsonResponse(json, outcome.applied() || status != 200 ? status : 202);
  const Revision revision = version ? version->revision : outcome.committed.route.revision;
  response.headers.Add("ETag", fmt::format("\"{}\"", revision.get()));
  if (outcome.committed.replayed) response.headers.Add("Idempotency-Replayed", "true");
  return response;
}

}  // namespace podium::control
