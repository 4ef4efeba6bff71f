// The paths that callers' SDKs speak to, and the wire formats behind them.
#pragma once

#include <cstdint>
#include <string_view>

namespace podium::gateway::llm {

/// What a caller speaks.
enum class Surface : std::uint8_t {
  kChat,        ///< `/v1/chat/completions`
  kEmbeddings,  ///< `/v1/embeddings`
  kResponses,   ///< `/v1/responses`
  kMessages,    ///< `/v1/messages`, Anthropic's
};
inline constexpr int kSurfaceCount = static_cast<int>(Surface::kMessages) + 1;

std::string_view NameOf(Surface surface);  ///< "chat", as in labels and records.
std::string_view PathOf(Surface surface);  ///< "/v1/chat/completions"

}  // namespace podium::gateway::llm
