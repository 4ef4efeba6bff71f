// Paths at a provider. Private to the adapters.
#pragma once

#include <string>
#include <string_view>

#include "gateway/llm/provider.h"

namespace podium::gateway::llm {

/// One segment of a path or one value of a query: everything but letters, digits, - . _ ~ encoded.
std::string PercentEncoded(std::string_view text);

/// "/v1/chat/completions", or Azure's path of the deployment `model`; with the api-version asked.
/// `of_deployment`: Azure has this endpoint below the deployment.
std::string TargetOf(const ProviderOptions& options, std::string_view endpoint,
                     std::string_view model, bool of_deployment);

/// Content-Type and Accept.
HeaderList JsonHeaders(bool stream);

}  // namespace podium::gateway::llm
