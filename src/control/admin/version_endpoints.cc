// /api/v1/versions: register, list, get, diff, activate, retire, promote, retry, delete.
#include <utility>

#include "base/log.h"
#include "control/admin/artifact_checksum.h"
#include "control/admin/context.h"
#include "control/admin/fields.h"
#include "control/admin/query.h"
#include "control/admin/rollout_here.h"
#include "control/admin/verbs.h"
#include "control/admin/version_diff.h"
#include "control/admin/version_json.h"
#include "domain/names.h"
#include "runtime/artifact.h"

namespace podium::control {
namespace {

constexpr std::string_view kOnnx = "onnx";

Json Shown(const AdminCall& call, const ModelVersion& version) {
  Json json = ToJson(version, StatusHere(call.context, version));
  json["rollout"] = RolloutHere(call.context, version);
  return json;
}

struct Registration {
  ModelVersion version;
  std::string reason;
};

Result<Registration> ReadRegistration(const Json& body) {
  Fields fields(body);
  Registration read;
  ModelVersion& version = read.version;
  version.model_id = ModelId(fields.Text("model_id", limits::kMaxNameBytes));
  version.route = RouteName(fields.RequiredText("route", limits::kMaxNameBytes));
  version.name = fields.Text("name", limits::kMaxNameBytes);
  version.version = fields.RequiredText("version", limits::kMaxNameBytes);
  version.provider_key = fields.Text("provider_key", limits::kMaxNameBytes);
  version.upstream_model = fields.Text("upstream_model", limits::kMaxNameBytes);
  version.artifact_uri = fields.Text("artifact_uri", limits::kMaxUriBytes);
  version.artifact_sha256 = fields.Text("sha256", limits::kMaxNameBytes);
  version.format = fields.Text("format", limits::kMaxNameBytes);
  const bool is_local = version.provider_key.empty() || version.provider_key == kLocalProvider;
  if (version.format.empty() && is_local) version.format = kOnnx;
  if (version.format != kOnnx && is_local) {
    fields.Complain("format", fmt::format("a model in this process is \"onnx\" so far, not \"{}\"",
                                          version.format));
  }
  if (const Json* signature = fields.Object("signature")) version.signature = DumpJson(*signature);
  version.metrics = fields.Metrics("metrics");
  version.tags = fields.Tags("tags");
  version.experiment_id = fields.Text("experiment_id", limits::kMaxNameBytes);
  version.source_run = fields.Text("source_run", limits::kMaxNameBytes);
  if (std::string parent = fields.Text("parent_id", limits::kMaxNameBytes); !parent.empty()) {
    version.parent_id = ModelId(std::move(parent));
  }
  if (const std::string status = fields.Text("status", limits::kMaxNameBytes); !status.empty()) {
    const auto known = ParseVersionStatus(status);
    if (known) version.status = *known;
    const bool allowed =
        known && (*known == VersionStatus::kStandby || *known == VersionStatus::kShadow);
    if (!allowed) {
      fields.Complain("status", fmt::format("a version is registered as \"standby\" or \"shadow\", "
                                            "not \"{}\": activate or promote it afterwards",
                                            status));
    }
  }
  if (const std::string load = fields.Text("load", limits::kMaxNameBytes); !load.empty()) {
    const auto known = ParseLoadPolicy(load);
    if (known) version.load = *known;
    if (!known) fields.Complain("load", "\"load\" is \"eager\" or \"lazy\"");
  }
  read.reason = fields.Text("reason", limits::kMaxReasonBytes);
  PODIUM_TRY(fields.Finish());
  return read;
}

AdminReply Register(AdminCall& call) {
  Result<Registration> read = ReadRegistration(call.body);
  if (!read) co_return Fail(std::move(read).error());
  ModelVersion& version = read->version;
  auto fix = FixChecksum(call.context, version);
  if (Status fixed = co_await std::move(fix); !fixed) co_return Fail(std::move(fixed).error());
  auto verb =
      CarryOut(call, store::RegisterVersion{std::move(read->version)}, std::move(read->reason));
  Result<VerbOutcome> outcome = co_await std::move(verb);
  if (!outcome) co_return Fail(std::move(outcome).error());
  net::Response response = VerbResponse(call, *outcome, 201);
  const ModelId id = outcome->committed.audit.to.value_or(ModelId());
  response.headers.Add("Location", fmt::format("/api/v1/versions/{}", id.get()));
  co_return response;
}

AdminReply ListVersions(AdminCall& call) {
  const net::RequestHead& head = call.exchange.head();
  if (Status known = CheckQuery(head, {"route", "name", "status", "limit", "cursor"}); !known) {
    co_return Fail(std::move(known).error());
  }
  store::VersionQuery query;
  if (auto route = QueryText(head, "route")) query.route = RouteName(std::move(*route));
  query.name = QueryText(head, "name");
  if (const auto status = QueryText(head, "status")) {
    query.status = ParseVersionStatus(*status);
    if (!query.status) {
      co_return Fail(ErrorCode::kInvalidArgument,
                     "status is primary, canary, shadow, arm, standby or retired, not \"{}\"",
                     *status);
    }
  }
  const Result<int> limit = PageLimit(head);
  if (!limit) co_return Fail(limit.error());
  query.limit = *limit;
  query.cursor = QueryText(head, "cursor").value_or("");

  auto read =
      RunOn(call.context.pools.reads, [&] { return call.context.store.ListVersions(query); });
  const Result<store::Page<ModelVersion>> page = co_await std::move(read);
  if (!page) co_return Fail(page.error());
  Json items = Json::array();
  for (const ModelVersion& version : page->items) items.push_back(Shown(call, version));
  co_return PageResponse(call, std::move(items), page->next_cursor);
}

AdminReply GetVersion(AdminCall& call) {
  auto read = RunOn(call.context.pools.reads,
                    [&] { return call.context.store.FindVersion(VersionIdOf(call)); });
  const Result<ModelVersion> version = co_await std::move(read);
  if (!version) co_return Fail(version.error());
  if (version->deleted) {
    co_return Fail(ErrorCode::kNotFound, "version {} was deleted", version->model_id.get());
  }
  net::Response response = JsonResponse(Shown(call, *version));
  response.headers.Add("ETag", fmt::format("\"{}\"", version->revision.get()));
  co_return response;
}

DeclaredSignature SignatureHere(const AdminCall& call, const ModelVersion& version) {
  const std::optional<runtime::ModelStatus> status =
      call.context.runtime.StatusOf(version.model_id);
  return KnownSignature(version.signature,
                        status && status->model ? &status->model->signature() : nullptr);
}

AdminReply Diff(AdminCall& call) {
  const net::RequestHead& head = call.exchange.head();
  if (Status known = CheckQuery(head, {"to"}); !known) co_return Fail(std::move(known).error());
  const std::optional<std::string> other = QueryText(head, "to");
  if (!other) {
    co_return Fail(Error{ErrorCode::kInvalidArgument,
                         "to is required: the id of the version to compare with", "to", nullptr});
  }
  using Pair = std::pair<ModelVersion, ModelVersion>;
  auto read = RunOn(call.context.pools.reads, [&]() -> Result<Pair> {
    PODIUM_TRY_ASSIGN(ModelVersion from, call.context.store.FindVersion(VersionIdOf(call)));
    PODIUM_TRY_ASSIGN(ModelVersion to, call.context.store.FindVersion(ModelId(*other)));
    return Pair(std::move(from), std::move(to));
  });
  const Result<Pair> pair = co_await std::move(read);
  if (!pair) co_return Fail(pair.error());
  const auto& [from, to] = *pair;
  co_return JsonResponse(DiffVersions(
      from, to, CompareSignatures(SignatureHere(call, to), SignatureHere(call, from))));
}

AdminReply Activate(AdminCall& call) {
  return CarryOutPlain(call, store::ActivateVersion{VersionIdOf(call)});
}
AdminReply Retire(AdminCall& call) {
  return CarryOutPlain(call, store::RetireVersion{VersionIdOf(call)});
}
AdminReply PromoteVersion(AdminCall& call) {
  return CarryOutPlain(call, store::PromoteVersion{VersionIdOf(call)});
}
AdminReply Delete(AdminCall& call) {
  return CarryOutPlain(call, store::DeleteVersion{VersionIdOf(call)});
}

// Out of quarantine and loaded anew, here; the table does not change.
AdminReply Retry(AdminCall& call) {
  auto read = RunOn(call.context.pools.reads,
                    [&] { return call.context.store.FindVersion(VersionIdOf(call)); });
  const Result<ModelVersion> version = co_await std::move(read);
  if (!version) co_return Fail(version.error());
  if (version->deleted || version->status == VersionStatus::kRetired) {
    co_return Fail(ErrorCode::kConflict, "version {} is {}: it is not loaded any more",
                   version->model_id.get(), version->deleted ? "deleted" : "retired");
  }
  if (version->provider_key != kLocalProvider) {
    co_return Fail(ErrorCode::kInvalidArgument,
                   "version {} is served by {}: nothing is loaded here", version->model_id.get(),
                   version->provider_key);
  }
  const Result<std::optional<Revision>> if_match = IfMatch(call.exchange.head());
  if (!if_match) co_return Fail(if_match.error());
  if (*if_match && **if_match != version->revision) {
    co_return Fail(ErrorCode::kRevisionMismatch,
                   "version {} is at revision {}, not {}: re-read and retry",
                   version->model_id.get(), version->revision.get(), (*if_match)->get());
  }
  LogInfo("a load is tried again", {{"model_id", version->model_id.get()},
                                    {"actor", call.principal.actor},
                                    {"request_id", call.request_id}});
  const runtime::WantedModel wanted{version->model_id, version->artifact_uri,
                                    version->artifact_sha256, version->format, version->signature};
  auto load = RunOn(call.context.pools.loads, [&] {
    return call.context.runtime.Retry(wanted, call.context.options.load_timeout);
  });
  const Result<ModelHandle> loaded = co_await std::move(load);
  if (!loaded) co_return Fail(loaded.error());
  co_return JsonResponse(Shown(call, *version));
}

}  // namespace

void AddVersionEndpoints(AdminRoutes& routes) {
  using enum net::HttpMethod;
  constexpr auto kAdmin = Endpoint::Access::kAdmin;
  constexpr auto kJson = Endpoint::Body::kJson;
  routes.Add(kPost, "/api/v1/versions", {Register, kAdmin, kJson});
  routes.Add(kGet, "/api/v1/versions", {ListVersions});
  routes.Add(kGet, "/api/v1/versions/{id}", {GetVersion});
  routes.Add(kGet, "/api/v1/versions/{id}/diff", {Diff});
  routes.Add(kDelete, "/api/v1/versions/{id}", {Delete, kAdmin, kJson});
  routes.Add(kPost, "/api/v1/versions/{id}/activate", {Activate, kAdmin, kJson});
  routes.Add(kPost, "/api/v1/versions/{id}/retire", {Retire, kAdmin, kJson});
  routes.Add(kPost, "/api/v1/versions/{id}/promote", {PromoteVersion, kAdmin, kJson});
  routes.Add(kPost, "/api/v1/versions/{id}/retry", {Retry, kAdmin, kJson});
}

}  // namespace podium::control
