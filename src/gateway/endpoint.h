// Every endpoint of the data plane, in one table. What is no row of it is not answered, and what is
// a row goes through the choke point (passage.h): nothing else leads to a handler.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"
#include "net/http_head.h"

namespace podium::gateway {

enum class EndpointId : std::uint8_t {
  kPredict,
  kActive,
  kOipServer,
  kOipLive,
  kOipReady,
  kOipModels,
  kOipModel,
  kOipModelReady,
  kOipInfer,
  kOipIndex,
  kOipLoad,
  kChat,
  kEmbeddings,
  kResponses,
  kMessages,
  kModels,
  kNothing,  ///< Below a prefix of ours, and there is nothing.
};
inline constexpr std::size_t kEndpointCount = static_cast<std::size_t>(EndpointId::kNothing) + 1;

/// Who may come in.
enum class Access : std::uint8_t {
  kOpen,    ///< Anybody; a wrong credential is as none.
  kCaller,  ///< Anybody; a wrong credential is refused.
  kPayer,   ///< Whoever may spend money, which is never nobody.
};

struct Endpoint {
  EndpointId id = EndpointId::kNothing;
  std::string_view name;     ///< As hooks and records call it.
  std::string_view example;  ///< A path that it answers, but for ROUTE.
  std::string_view verbs;    ///< The value of Allow.
  Access access = Access::kOpen;
  bool asks_model = false;  ///< It is admitted, and its text judged, before a model is asked.
};

/// By id.
std::span<const Endpoint, kEndpointCount> Endpoints();
const Endpoint& EndpointOf(EndpointId id);

/// kMethodNotAllowed names the verbs.
Status CheckVerb(const Endpoint& endpoint, const net::RequestHead& head);

}  // namespace podium::gateway
