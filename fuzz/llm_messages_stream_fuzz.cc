// Any events of Anthropic: no crash, no clean end of what failed, and frames that the caller's SDK
// can take apart.
#include "llm_stream.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  podium::gateway::llm::JsonScratch scratch;
  const auto adapter = podium::gateway::llm::MakeAnthropicAdapter(scratch);
  podium::TranslateAny(*adapter, podium::gateway::llm::UpstreamApi::kMessages,
                       {reinterpret_cast<const char*>(data), size});
  return 0;
}
