// What the Open Inference Protocol asks besides inference: health, metadata, what is loaded.
#pragma once

#include <string_view>

#include "gateway/gateway_core.h"
#include "gateway/oip_path.h"
#include "gateway/passage.h"
#include "net/handler.h"
#include "view/core_view.h"

namespace podium::gateway {

/// Whether every call of this route that comes now would be answered by some version of its chain.
bool CanAnswer(const view::RouteView& route);

/// Answers from the view of this core, or refuses what the path or the body is refused for.
/// REQUIRES: the endpoint is not kInfer, and the passage was entered.
Status AnswerOip(GatewayCore& core, const OipTarget& target, const Result<std::string_view>& body,
                 const Passage& passage, net::Response& response);

}  // namespace podium::gateway
