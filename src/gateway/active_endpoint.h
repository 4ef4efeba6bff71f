// GET /internal/models/active?type=ROUTE: what serves a route, for callers that route by
// themselves.
#pragma once

#include "base/result.h"
#include "gateway/gateway_core.h"
#include "net/handler.h"

namespace podium::gateway {

/// With salt and share a caller gets the same bucket as we do.
Status AnswerActive(GatewayCore& core, net::Exchange& exchange, net::Response& response);

}  // namespace podium::gateway
