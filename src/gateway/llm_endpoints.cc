#include "gateway/llm_endpoints.h"

#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gateway/llm/dialect.h"
#include "gateway/llm/models_list.h"
#include "gateway/llm_call.h"
#include "gateway/routed_call.h"
#include "gateway/unix_time.h"
#include "net/media_type.h"

namespace podium::gateway {
namespace {

constexpr std::string_view kPrefix = "/v1";
constexpr std::string_view kModelsPath = "/v1/models";
constexpr std::string_view kOwner = "podium";

bool HasRemoteVersion(const routing::CompiledRoute& route) {
  for (const ModelVersion& version : route.versions) {
    if (version.provider_key != kLocalProvider) return true;
  }
  return false;
}

// By name: the table's routes that go to providers, and those of configuration.
std::map<std::string, std::int64_t> ModelNames(const view::CoreView& view,
                                               const ProviderTable& providers) {
  std::map<std::string, std::int64_t> names;
  for (const auto& [tag, target] : providers.chain().route_config) names[tag] = 0;
  for (const view::RouteView& route : view.routes()) {
    if (!HasRemoteVersion(*route.route)) continue;
    names[route.route->name.get()] = UnixSecondsOf(route.route->updated_at);
  }
  return names;
}

}  // namespace

bool IsLlmPath(std::string_view path) {
  return path.starts_with(kPrefix) &&
         (path.size() == kPrefix.size() || path[kPrefix.size()] == '/');
}

std::optional<llm::Surface> SurfaceAt(std::string_view path) {
  for (int i = 0; i < llm::kSurfaceCount; ++i) {
    const auto surface = static_cast<llm::Surface>(i);
    if (llm::PathOf(surface) == path) return surface;
  }
  return std::nullopt;
}

llm::Surface DialectOf(std::string_view path) {
  if (path.starts_with(llm::PathOf(llm::Surface::kMessages))) return llm::Surface::kMessages;
  return SurfaceAt(path).value_or(llm::Surface::kChat);
}

Status CheckLlmCall(const GatewayCore& core, const net::RequestHead& head) {
  if (!core.llm) return Fail(ErrorCode::kNotFound, "language models are not served here");
  const auto type = head.Find("content-type");
  if (!type || net::IsMediaType(*type, "application/json")) return {};
  return Fail(ErrorCode::kUnsupportedMedia, "Content-Type must be application/json, not {}", *type);
}

EndpointId LlmEndpointAt(std::string_view path) {
  if (path == kModelsPath) return EndpointId::kModels;
  const std::optional<llm::Surface> surface = SurfaceAt(path);
  if (!surface) return EndpointId::kNothing;
  switch (*surface) {
    case llm::Surface::kChat:
      return EndpointId::kChat;
    case llm::Surface::kEmbeddings:
      return EndpointId::kEmbeddings;
    case llm::Surface::kResponses:
      return EndpointId::kResponses;
    case llm::Surface::kMessages:
      return EndpointId::kMessages;
  }
  return EndpointId::kNothing;
}

void WriteLlmError(std::string_view path, const Error& error, net::Response& response) {
  const llm::CallError told = llm::CallErrorOf(error);
  response.Clear();
  response.status = told.status();
  llm::AppendError(DialectOf(path), told, response.body);
}

Status AnswerModels(GatewayCore& core, net::Exchange& exchange, Passage& passage,
                    net::Response& response) {
  RoutedCall call(core, exchange, {}, passage);
  PODIUM_TRY(call.TakeIds({}));
  std::vector<llm::ListedModel> models;
  const auto names = ModelNames(call.view(), core.llm->shared.providers);
  for (const auto& [name, created] : names) models.push_back({name, kOwner, created});
  llm::AppendModelsList(models, response.body);
  call.AddHeaders(response);
  return {};
}

Task<net::Response> AnswerLlm(GatewayCore& core, net::Exchange& exchange, Passage& passage) {
  LlmCall call(core, exchange, *SurfaceAt(exchange.head().path), passage);
  auto run = call.Run();
  co_return co_await std::move(run);
}

}  // namespace podium::gateway
