#include "gateway/oip_endpoints.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "base/json.h"
#include "gateway/oip_codec.h"
#include "gateway/predict_call.h"

namespace podium::gateway {
namespace {

using routing::kNoVersion;
using routing::VersionIndex;

constexpr std::string_view kPlatform = "onnxruntime_onnx";

Json TensorsJson(const std::vector<TensorSpec>& specs) {
  Json list = Json::array();
  for (const TensorSpec& spec : specs) {
    list.push_back({{"name", spec.name}, {"datatype", NameOf(spec.type)}, {"shape", spec.shape}});
  }
  return list;
}

Json VersionsJson(const routing::CompiledRoute& route) {
  Json list = Json::array();
  for (const ModelVersion& version : route.versions) {
    const Json text = version.version;  // Two names of models may share a version string.
    if (std::find(list.begin(), list.end(), text) == list.end()) list.push_back(text);
  }
  return list;
}

/// States of the protocol's model repository extension.
std::string_view RepositoryState(LoadState state) {
  switch (state) {
    case LoadState::kRequested:
    case LoadState::kDownloading:
    case LoadState::kVerifying:
    case LoadState::kLoading:
    case LoadState::kWarming:
      return "LOADING";
    case LoadState::kReady:
      return "READY";
    case LoadState::kDraining:
      return "UNLOADING";
    case LoadState::kUnloaded:
    case LoadState::kFailed:
      return "UNAVAILABLE";
  }
  return "UNKNOWN";
}

/// The version of the chain that stands for the route: what answers units that no canary or arm
/// has.
Serving Standing(const view::RouteView& route) {
  routing::Decision decision;
  decision.route = route.route.get();
  decision.version = route.route->primary;
  return FirstReady(route, decision);
}

/// One call to one endpoint, on the view as it was at its start.
class OipCall {
 public:
  OipCall(GatewayCore& core, const OipTarget& target, const Passage& passage)
      : core_(core), target_(target), passage_(passage), view_(core.cell.Pin()) {}

  Result<Json> Answer(std::string_view body) const;

 private:
  Json Server() const;
  Result<Json> Ready() const;
  Json Models() const;
  Result<Json> Model() const;
  Result<Json> ModelReady() const;
  Result<Json> Index(std::string_view body) const;
  Result<const view::RouteView*> Route() const;
  Result<VersionIndex> NamedVersion(const view::RouteView& route) const;
  Status RequireReady(const view::RouteView& route, VersionIndex version, ErrorCode code) const;
  bool MayReadFailures() const;

  GatewayCore& core_;
  const OipTarget& target_;
  const Passage& passage_;
  const view::ViewPtr view_;
};

Result<Json> OipCall::Answer(std::string_view body) const {
  switch (target_.endpoint) {
    case OipEndpoint::kServer:
      return Server();
    case OipEndpoint::kLive:
      return Json{{"live", true}};
    case OipEndpoint::kReady:
      return Ready();
    case OipEndpoint::kModels:
      return Models();
    case OipEndpoint::kModel:
      return Model();
    case OipEndpoint::kModelReady:
      return ModelReady();
    case OipEndpoint::kIndex:
      return Index(body);
    case OipEndpoint::kLoad:
    case OipEndpoint::kInfer:
      break;
  }
  return Fail(ErrorCode::kNotImplemented,
              "models are not loaded or unloaded by call here, the registry's table decides: "
              "register a version, activate or retire it (podium version --help)");
}

Json OipCall::Server() const {
  return {{"name", "podium"},
          {"version", core_.shared.options.build},
          {"extensions", {"binary_tensor_data", "model_repository"}}};
}

Result<Json> OipCall::Ready() const {
  const auto& is_ready = core_.shared.options.is_ready;
  if (is_ready ? is_ready(*view_) : view_->sequence() > 0) return Json{{"ready", true}};
  return Fail(ErrorCode::kUnavailable, "this server is not ready: GET /readyz says why");
}

Json OipCall::Models() const {
  Json names = Json::array();
  for (const view::RouteView& route : view_->routes()) names.push_back(route.route->name.get());
  return {{"models", std::move(names)}};
}

Result<const view::RouteView*> OipCall::Route() const {
  const view::RouteView* route = view_->Find(target_.call.route);
  if (route != nullptr) return route;
  return Fail(ErrorCode::kNotFound, "there is no model {}: GET /v2/models lists those there are",
              target_.call.route);
}

/// The version in the path; kNoVersion when there is none.
Result<VersionIndex> OipCall::NamedVersion(const view::RouteView& route) const {
  if (target_.call.version.empty()) return kNoVersion;
  const VersionIndex version = routing::FindOverride(*route.route, target_.call.version);
  if (version != kNoVersion) return version;
  return Fail(ErrorCode::kNotFound, "model {} has no version {}", target_.call.route,
              target_.call.version);
}

bool OipCall::MayReadFailures() const {
  return !core_.shared.authenticator.has_token() || passage_.principal().may_administer;
}

Status OipCall::RequireReady(const view::RouteView& route, VersionIndex version,
                             ErrorCode code) const {
  const view::VersionServing& serving = route.serving[version];
  if (serving.model != nullptr) return {};
  return Fail(code, "version {} of model {} is not ready here ({})",
              route.route->At(version).version, target_.call.route,
              WhyNotReady(serving, MayReadFailures()));
}

Result<Json> OipCall::Model() const {
  PODIUM_TRY_ASSIGN(const view::RouteView* route, Route());
  PODIUM_TRY_ASSIGN(VersionIndex version, NamedVersion(*route));
  if (version != kNoVersion) {
    PODIUM_TRY(RequireReady(*route, version, ErrorCode::kConflict));
  } else {
    version = Standing(*route).version;
  }
  // What a provider serves does not speak this protocol.
  if (version == kNoVersion || route->serving[version].model == nullptr) {
    return Fail(ErrorCode::kUnavailable, "model {} has no version that is ready",
                target_.call.route);
  }
  const Signature& signature = route->serving[version].model->signature();
  return Json{{"name", target_.call.route},
              {"versions", VersionsJson(*route->route)},
              {"platform", kPlatform},
              {"inputs", TensorsJson(signature.inputs)},
              {"outputs", TensorsJson(signature.outputs)}};
}

Result<Json> OipCall::ModelReady() const {
  PODIUM_TRY_ASSIGN(const view::RouteView* route, Route());
  PODIUM_TRY_ASSIGN(const VersionIndex version, NamedVersion(*route));
  if (version != kNoVersion) {
    PODIUM_TRY(RequireReady(*route, version, ErrorCode::kUnavailable));
  } else if (!CanAnswer(*route)) {
    return Fail(ErrorCode::kUnavailable, "model {} has no version that is ready",
                target_.call.route);
  }
  return Json{{"name", target_.call.route}, {"ready", true}};
}

/// Whether only what is ready is asked for. The body may be empty.
Result<bool> OnlyReady(std::string_view body) {
  if (body.empty()) return false;
  PODIUM_TRY_ASSIGN(const Json json, ParseJson(body));
  if (!json.is_object()) {
    return Fail(ErrorCode::kInvalidArgument, "the body must be an object or empty");
  }
  const auto ready = json.find("ready");
  if (ready == json.end()) return false;
  if (ready->is_boolean()) return ready->get<bool>();
  return Fail(ErrorCode::kInvalidArgument, "\"ready\" must be true or false");
}

Result<Json> OipCall::Index(std::string_view body) const {
  PODIUM_TRY_ASSIGN(const bool only_ready, OnlyReady(body));
  const bool tell = MayReadFailures();
  Json list = Json::array();
  for (const view::RouteView& route : view_->routes()) {
    for (std::size_t i = 0; i < route.serving.size(); ++i) {
      const view::VersionServing& serving = route.serving[i];
      if (only_ready && !serving.ready()) continue;
      Json row = {{"name", route.route->name.get()},
                  {"version", route.route->versions[i].version},
                  {"state", RepositoryState(serving.state)}};
      if (!serving.error.empty()) {
        row["reason"] = tell ? serving.error : std::string(NameOf(serving.state));
      }
      list.push_back(std::move(row));
    }
  }
  return list;
}

}  // namespace

bool CanAnswer(const view::RouteView& route) {
  const VersionIndex standing = Standing(route).version;
  if (standing != kNoVersion) return route.serving[standing].model != nullptr;
  // Nobody is left for the primary when the canary has everybody.
  const routing::CompiledRoute& rows = *route.route;
  const bool everybody = rows.canary_share.value() == BasisPoints::kWhole;
  return rows.canary != kNoVersion && everybody && route.serving[rows.canary].model != nullptr;
}

Status AnswerOip(GatewayCore& core, const OipTarget& target, const Result<std::string_view>& body,
                 const Passage& passage, net::Response& response) {
  PODIUM_TRY_ASSIGN(const std::string_view sent, body);
  PODIUM_TRY_ASSIGN(const Json answer, OipCall(core, target, passage).Answer(sent));
  response.body = DumpJson(answer);
  response.body += '\n';
  return {};
}

}  // namespace podium::gateway
