// `/v1/models`: what a caller may name.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace podium::gateway::llm {

struct ListedModel {
  std::string_view id;        ///< A route, a catalogue model or `auto`.
  std::string_view owned_by;  ///< "podium" for a route, else the provider.
  std::int64_t created_unix = 0;
};

/// One list that both OpenAI's and Anthropic's SDKs read: each finds its own members.
void AppendModelsList(std::span<const ListedModel> models, std::string& out);

}  // namespace podium::gateway::llm
