#include "control/admin/version_json.h"

#include "base/clock.h"

namespace podium::control {
namespace {

bool IsReadyIn(const view::CoreView& view, const ModelVersion& version) {
  const view::RouteView* route = view.Find(version.route.get());
  if (route == nullptr) return false;
  for (std::size_t i = 0; i < route->serving.size(); ++i) {
    if (route->route->versions[i].model_id == version.model_id) return route->serving[i].ready();
  }
  return false;
}

}  // namespace

Json OrNull(const std::string& text) { return text.empty() ? Json() : Json(text); }

std::optional<runtime::ModelStatus> StatusHere(const AdminContext& context,
                                               const ModelVersion& version) {
  if (version.provider_key != kLocalProvider) {
    runtime::ModelStatus remote;
    remote.id = version.model_id;
    remote.error = WhyNotCallable(context.options.providers, version.provider_key);
    const bool shown = IsReadyIn(*context.publisher.state().view, version);
    remote.state = !remote.error.empty() ? LoadState::kFailed
                   : shown               ? LoadState::kReady
                                         : LoadState::kWarming;
    return remote;
  }
  std::optional<runtime::ModelStatus> status = context.runtime.StatusOf(version.model_id);
  if (status && status->state == LoadState::kReady &&
      !IsReadyIn(*context.publisher.state().view, version)) {
    status->state = LoadState::kWarming;
  }
  return status;
}

Json ToJson(const std::optional<ModelId>& id) { return id ? Json(id->get()) : Json(); }

Json ToJson(const ModelVersion& version, const std::optional<runtime::ModelStatus>& local) {
  Json json;
  json["model_id"] = version.model_id.get();
  json["route"] = version.route.get();
  json["model_type"] = version.route.get();
  json["name"] = version.name;
  json["version"] = version.version;
  json["status"] = NameOf(version.status);
  json["active"] = version.status == VersionStatus::kPrimary;
  json["traffic_pct"] = version.share.percent();
  json["provider_key"] = version.provider_key;
  json["upstream_model"] = OrNull(version.upstream_model);
  json["artifact_uri"] = OrNull(version.artifact_uri);
  json["artifact_sha256"] = OrNull(version.artifact_sha256);
  json["format"] = OrNull(version.format);
  json["stage"] = OrNull(version.stage);
  // A signature that is not JSON has been reported as a fault of its row; it is shown as it stands.
  const Result<Json> signature =
      version.signature.empty() ? Result<Json>(Json()) : ParseJson(version.signature);
  json["signature"] = signature ? *signature : Json(version.signature);
  json["metrics"] = version.metrics.empty() ? Json::object() : Json(version.metrics);
  json["tags"] = version.tags.empty() ? Json::object() : Json(version.tags);
  json["catalogue_id"] = OrNull(version.catalogue_id);
  json["experiment_id"] = OrNull(version.experiment_id);
  json["load"] = NameOf(version.load);
  json["source_run"] = OrNull(version.source_run);
  json["parent_id"] = ToJson(version.parent_id);
  json["created_at"] = FormatUtc(version.created_at);
  json["updated_at"] = FormatUtc(version.updated_at);
  json["revision"] = version.revision.get();
  json["load_state"] = local ? Json(NameOf(local->state)) : Json();
  json["load_error"] = local ? OrNull(local->error) : Json();
  json["load_warning"] =
      local && local->model ? OrNull(std::string(local->model->warning())) : Json();
  json["quarantined"] = local && local->quarantined;
  return json;
}

Json ToJson(const Promotion& promotion) {
  Json json;
  json["revision"] = promotion.revision.get();
  json["route"] = promotion.route.get();
  json["kind"] = NameOf(promotion.kind);
  json["from"] = ToJson(promotion.from);
  json["to"] = ToJson(promotion.to);
  json["traffic_pct_before"] = promotion.share_before.percent();
  json["traffic_pct_after"] = promotion.share_after.percent();
  json["undoes"] = promotion.undoes ? Json(promotion.undoes->get()) : Json();
  json["actor"] = promotion.actor;
  json["origin"] = promotion.origin;
  json["reason"] = OrNull(promotion.reason);
  json["request_id"] = OrNull(promotion.request_id);
  json["at"] = FormatUtc(promotion.at);
  json["hash"] = OrNull(promotion.hash);
  return json;
}

Json ToJson(const SignatureFit& fit) {
  Json json;
  json["fit"] = NameOf(fit.fit);
  json["differences"] = fit.differences.empty() ? Json::array() : Json(fit.differences);
  json["unknown"] = fit.unknown.empty() ? Json::array() : Json(fit.unknown);
  return json;
}

}  // namespace podium::control
