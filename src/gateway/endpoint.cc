#include "gateway/endpoint.h"

#include <array>

namespace podium::gateway {
namespace {

using enum EndpointId;
using enum Access;

constexpr std::string_view kReads = "GET, HEAD";
constexpr std::string_view kWrites = "POST";

constexpr std::array<Endpoint, kEndpointCount> kEndpoints{{
    {kPredict, "predict", "/predict/ROUTE", kWrites, kCaller, true},
    {kActive, "active", "/internal/models/active", kReads, kOpen},
    {kOipServer, "oip_server", "/v2", kReads, kOpen},
    {kOipLive, "oip_live", "/v2/health/live", kReads, kOpen},
    {kOipReady, "oip_ready", "/v2/health/ready", kReads, kOpen},
    {kOipModels, "oip_models", "/v2/models", kReads, kOpen},
    {kOipModel, "oip_model", "/v2/models/ROUTE", kReads, kOpen},
    {kOipModelReady, "oip_model_ready", "/v2/models/ROUTE/ready", kReads, kOpen},
    {kOipInfer, "oip_infer", "/v2/models/ROUTE/infer", kWrites, kCaller, true},
    {kOipIndex, "oip_index", "/v2/repository/index", kWrites, kOpen},
    {kOipLoad, "oip_load", "/v2/repository/models/ROUTE/load", kWrites, kOpen},
    {kChat, "chat_completions", "/v1/chat/completions", kWrites, kPayer, true},
    {kEmbeddings, "embeddings", "/v1/embeddings", kWrites, kPayer, true},
    {kResponses, "responses", "/v1/responses", kWrites, kPayer, true},
    {kMessages, "messages", "/v1/messages", kWrites, kPayer, true},
    {kModels, "models", "/v1/models", kReads, kPayer},
    {kNothing, "nothing", "/v1/nothing", "", kOpen},
}};

constexpr bool AreInOrder() {
  for (std::size_t i = 0; i < kEndpointCount; ++i) {
    if (static_cast<std::size_t>(kEndpoints[i].id) != i) return false;
  }
  return true;
}
static_assert(AreInOrder());

}  // namespace

std::span<const Endpoint, kEndpointCount> Endpoints() { return kEndpoints; }

const Endpoint& EndpointOf(EndpointId id) { return kEndpoints[static_cast<std::size_t>(id)]; }

Status CheckVerb(const Endpoint& endpoint, const net::RequestHead& head) {
  if (endpoint.verbs.empty()) return {};
  const bool reads = head.method == net::HttpMethod::kGet || head.method == net::HttpMethod::kHead;
  if (endpoint.verbs == kReads ? reads : head.method == net::HttpMethod::kPost) return {};
  return Fail(ErrorCode::kMethodNotAllowed, "{} answers {}", head.path, endpoint.verbs);
}

}  // namespace podium::gateway
