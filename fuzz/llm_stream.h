// Any frames through a translator of streams, for the fuzz targets of each provider.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "gateway/llm/provider.h"

namespace podium {

/// What the caller gets is frames of his dialect, each of them JSON.
inline void CheckFrames(std::string_view out) {
  while (!out.empty()) {
    const std::size_t end = out.find("\n\n");
    PODIUM_ASSERT(end != std::string_view::npos);
    const std::string_view frame = out.substr(0, end);
    out.remove_prefix(end + 2);
    const std::size_t at = frame.find("data: ");
    PODIUM_ASSERT(at == 0 || frame.starts_with("event: "));
    const std::string_view data = frame.substr(at + 6);
    if (data.find('\n') != std::string_view::npos || data == "[DONE]") continue;
    gateway::llm::JsonScratch scratch;
    PODIUM_ASSERT(scratch.Parse(data).has_value());
  }
}

/// Lines are frames; the first byte chooses what the caller speaks.
inline void TranslateAny(const gateway::llm::ProviderAdapter& adapter,
                         gateway::llm::UpstreamApi api, std::string_view input) {
  using gateway::llm::Surface;
  static constexpr Surface kSurfaces[] = {Surface::kChat, Surface::kMessages, Surface::kResponses};
  if (input.empty()) return;
  const auto way = static_cast<std::uint8_t>(input.front());
  input.remove_prefix(1);
  gateway::llm::AnswerTerms terms;
  terms.surface = kSurfaces[way % 3];
  terms.api = api;
  terms.include_usage = way % 2 == 1;
  terms.echo = R"("tools":[])";
  const bool own = (api == gateway::llm::UpstreamApi::kChat) == (terms.surface == Surface::kChat) &&
                   terms.surface != Surface::kResponses;
  const auto translator = adapter.Translate(std::move(terms));
  std::string out;
  bool failed = false;
  while (!input.empty() && !failed) {
    const std::size_t end = input.find('\n');
    const std::size_t before = out.size();
    failed = !translator->Feed("", input.substr(0, end), out).has_value();
    // A caller sees no part of a frame that failed when frames pass through.
    if (failed && own) PODIUM_ASSERT(out.size() == before);
    input.remove_prefix(end == std::string_view::npos ? input.size() : end + 1);
  }
  if (!failed) {
    const std::size_t before = out.size();
    failed = !translator->Finish(out).has_value();
    PODIUM_ASSERT(failed == (out.size() == before));
    PODIUM_ASSERT(failed || translator->progress().ended);
  }
  PODIUM_ASSERT(failed == translator->progress().failure.has_value());
  if (failed) translator->Abort(CallErrorOf(*translator->progress().failure), out);
  PODIUM_ASSERT(translator->progress().usage.total_tokens() >= 0);
  if (failed) PODIUM_ASSERT(out.find("[DONE]\n\n") == std::string::npos || own);
  CheckFrames(out);
}

}  // namespace podium
