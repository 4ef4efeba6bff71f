// The paths below /v1, and what they answer before and besides calls to models.
#pragma once

#include <optional>
#include <string_view>

#include "base/error.h"
#include "base/task.h"
#include "gateway/gateway_core.h"
#include "gateway/llm/surface.h"
#include "gateway/passage.h"
#include "net/handler.h"

namespace podium::gateway {

bool IsLlmPath(std::string_view path);  ///< All of /v1.

/// The surface that a path belongs to; for paths that are none, whose words its errors are in.
llm::Surface DialectOf(std::string_view path);
/// nullopt: no surface.
std::optional<llm::Surface> SurfaceAt(std::string_view path);

void WriteLlmError(std::string_view path, const Error& error, net::Response& response);

/// kNothing for a path that is none.
EndpointId LlmEndpointAt(std::string_view path);
/// What is wrong with a call before its body is read.
Status CheckLlmCall(const GatewayCore& core, const net::RequestHead& head);

/// GET /v1/models. REQUIRES: CheckLlmCall found nothing.
Status AnswerModels(GatewayCore& core, net::Exchange& exchange, Passage& passage,
                    net::Response& response);
/// A call to a model. The passage may move into a stream that answers it.
/// REQUIRES: the endpoint is a surface's, and CheckLlmCall found nothing.
Task<net::Response> AnswerLlm(GatewayCore& core, net::Exchange& exchange, Passage& passage);

}  // namespace podium::gateway
