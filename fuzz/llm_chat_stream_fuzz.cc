// Any frames of an OpenAI-like provider, chunks or response events: no crash, no clean end of what
// failed, and frames that the caller's SDK can take apart.
#include "llm_stream.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  podium::gateway::llm::JsonScratch scratch;
  const auto adapter = podium::gateway::llm::MakeOpenAiAdapter(scratch);
  using podium::gateway::llm::UpstreamApi;
  const bool responses = size > 0 && data[0] >= 0x80;
  podium::TranslateAny(*adapter, responses ? UpstreamApi::kResponses : UpstreamApi::kChat,
                       {reinterpret_cast<const char*>(data), size});
  return 0;
}
