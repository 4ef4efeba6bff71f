// GET /internal/models/active?type=ROUTE: what serves a route, for callers that route by
// themselves.
#pragma once

#include "gateway/gateway_core.h"
#include "net/handler.h"

namespace podium::gateway {

/// Answers every path below /internal/. With salt and share a caller gets the same bucket as we do.
void AnswerActive(GatewayCore& core, net::Exchange& exchange, net::Response& response);

}  // namespace podium::gateway
