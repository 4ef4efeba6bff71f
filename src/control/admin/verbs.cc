#include "control/admin/verbs.h"

#include <charconv>
#include <utility>

#include "base/log.h"
#include "control/admin/admission.h"
#include "control/admin/fields.h"
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

std::string OriginOf(const net::RequestHead& head) {
  const auto origin = head.Find("x-podium-origin");
  if (!origin || !CheckName("X-Podium-Origin", *origin)) return "api";
  return std::string(*origin);
}

Result<store::MutationContext> ContextOf(const AdminCall& call, std::string reason) {
  store::MutationContext context;
  context.actor = call.principal.actor;
  context.origin = OriginOf(call.exchange.head());
  context.reason = std::move(reason);
  context.request_id = call.request_id;
  PODIUM_TRY_ASSIGN(context.if_match, IfMatch(call.exchange.head()));
  return context;
}

// Reads what the mutation is about and rehearses it. Blocking: runs on the pool for reads.
Result<Admission> Rehearse(store::RegistryStore& store, const store::Mutation& mutation,
                           const store::MutationContext& context) {
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
  return Admit(state, named, mutation, context);
}

// Blocking: runs on the pool for loads. The handles keep the models warm until the view has them.
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

// A refusal is the caller's affair; what the registry could not take is the operator's.
void NoteFailure(LastWrite& last, const Error& error) {
  if (error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kInternal) {
    last.Failed(Describe(error));
  }
}

bool IsRegistration(const store::Mutation& mutation) {
  return std::holds_alternative<store::RegisterVersion>(mutation);
}

}  // namespace

Task<Result<VerbOutcome>> CarryOut(AdminCall& call, store::Mutation mutation, std::string reason) {
  const AdminContext& c = call.context;
  Result<store::MutationContext> context = ContextOf(call, std::move(reason));
  if (!context) co_return Fail(std::move(context).error());

  std::vector<ModelHandle> warm;
  // A registration is neither live nor about a row that exists: the commit alone judges it.
  if (!IsRegistration(mutation)) {
    auto rehearse = RunOn(c.pools.reads, [&] { return Rehearse(c.store, mutation, *context); });
    Result<Admission> admission = co_await std::move(rehearse);
    if (!admission) {
      NoteFailure(c.last_write, admission.error());
      co_return Fail(std::move(admission).error());
    }
    Pin(*admission, mutation, *context);
    if (!admission->goes_live.empty()) {
      auto load = RunOn(c.pools.loads, [&] {
        return MakeReady(c.runtime, c.options.providers, admission->goes_live,
                         c.options.load_timeout);
      });
      Result<std::vector<ModelHandle>> loaded = co_await std::move(load);
      if (!loaded) co_return Fail(std::move(loaded).error());
      warm = std::move(*loaded);
    }
  }

  const PendingMark mark(c.pending, mutation);
  auto commit = RunOn(c.pools.writer, [&] { return c.store.Apply(mutation, *context); });
  Result<store::Committed> committed = co_await std::move(commit);
  if (!committed) {
    NoteFailure(c.last_write, committed.error());
    if (!IsRefusal(committed.error().code)) co_await KeepWarm(c, std::move(warm), Revision(0));
    co_return Fail(std::move(committed).error());
  }
  if (committed->changed) c.last_write.Succeeded();

  VerbOutcome outcome{std::move(*committed), true};
  auto publish = RunOn(c.pools.publish,
                       [&] { return c.publisher.PublishAtLeast(outcome.committed.revision); });
  const Status published = co_await std::move(publish);
  outcome.applied = published.has_value();
  if (!published) co_await KeepWarm(c, std::move(warm), outcome.committed.revision);
  if (!outcome.committed.changed) co_return outcome;
  LogInfo("registry changed", {{"kind", NameOf(outcome.committed.audit.kind)},
                               {"route", outcome.committed.route.name.get()},
                               {"from", outcome.committed.audit.from.value_or(ModelId()).get()},
                               {"to", outcome.committed.audit.to.value_or(ModelId()).get()},
                               {"revision", outcome.committed.revision.get()},
                               {"actor", context->actor},
                               {"applied", outcome.applied},
                               {"request_id", call.request_id}});
  co_return outcome;
}

AdminReply CarryOutPlain(AdminCall& call, store::Mutation mutation) {
  Fields fields(call.body);
  std::string reason = fields.Text("reason", limits::kMaxReasonBytes);
  if (Status fit = fields.Finish(); !fit) co_return Fail(std::move(fit).error());
  auto verb = CarryOut(call, std::move(mutation), std::move(reason));
  Result<VerbOutcome> outcome = co_await std::move(verb);
  if (!outcome) co_return Fail(std::move(outcome).error());
  co_return VerbResponse(call, *outcome);
}

net::Response VerbResponse(const AdminCall& call, const VerbOutcome& outcome, int status) {
  const AdminContext& c = call.context;
  Json json = Json::object();
  const std::optional<ModelVersion>& version = outcome.committed.version;
  if (version) json = ToJson(*version, StatusHere(c, *version));
  json["route"] = outcome.committed.route.name.get();
  json["changed"] = outcome.committed.changed;
  json["change"] = outcome.committed.changed ? ToJson(outcome.committed.audit) : Json();
  json["generation"] = c.publisher.state().view->generation().get();
  json["replicas"] = Json::array({{{"id", c.options.replica}, {"applied", outcome.applied}}});
  net::Response response = JsonResponse(json, outcome.applied || status != 200 ? status : 202);
  const Revision revision = version ? version->revision : outcome.committed.route.revision;
  response.headers.Add("ETag", fmt::format("\"{}\"", revision.get()));
  return response;
}

}  // namespace podium::control
