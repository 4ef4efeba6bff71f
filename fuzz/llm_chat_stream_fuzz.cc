// Any frames of an OpenAI-like provider, chunks or response events: no crash, no clean end of what
// failed, and frames that the caller's SDK can take apart. A frame that is taken without parsing,
// for being like one before, does what it does when it is parsed.
#include <algorithm>
#include <string>
#include <string_view>

#include "gateway/llm/stream_translators.h"
#include "llm_stream.h"

namespace {

using podium::gateway::llm::FrameReading;
using podium::gateway::llm::StreamTranslator;

void CheckAlike(const StreamTranslator& one, const StreamTranslator& other) {
  const auto& a = one.progress();
  const auto& b = other.progress();
  PODIUM_ASSERT(a.has_output == b.has_output && a.ended == b.ended && a.finish == b.finish);
  PODIUM_ASSERT(a.usage.total_tokens() == b.usage.total_tokens());
  PODIUM_ASSERT(a.usage.estimated == b.usage.estimated && a.output_bytes == b.output_bytes);
  PODIUM_ASSERT(a.upstream_id == b.upstream_id && a.upstream_model == b.upstream_model);
  PODIUM_ASSERT(a.failure.has_value() == b.failure.has_value());
}

/// Lines are frames, each fed twice in a row: what is learned of one is then asked for.
void CompareReadings(std::string_view input) {
  podium::gateway::llm::JsonScratch scratch;
  podium::gateway::llm::AnswerTerms terms;
  terms.include_usage = !input.empty() && input.front() % 2 == 1;
  const auto quick = PassChatStream(terms, scratch, FrameReading::kByPattern);
  const auto whole = PassChatStream(terms, scratch, FrameReading::kEachWhole);
  std::string quick_out, whole_out;
  bool ok = true;
  while (ok && !input.empty()) {
    const std::size_t end = input.find('\n');
    const std::string_view frame = input.substr(0, end);
    for (int i = 0; i < 2 && ok; ++i) {
      ok = quick->Feed("", frame, quick_out).has_value();
      PODIUM_ASSERT(ok == whole->Feed("", frame, whole_out).has_value());
      CheckAlike(*quick, *whole);
    }
    input.remove_prefix(end == std::string_view::npos ? input.size() : end + 1);
  }
  if (ok)
    PODIUM_ASSERT(quick->Finish(quick_out).has_value() == whole->Finish(whole_out).has_value());
  CheckAlike(*quick, *whole);
  PODIUM_ASSERT(quick_out == whole_out);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  podium::gateway::llm::JsonScratch scratch;
  const auto adapter = podium::gateway::llm::MakeOpenAiAdapter(scratch);
  using podium::gateway::llm::UpstreamApi;
  const bool responses = size > 0 && data[0] >= 0x80;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  podium::TranslateAny(*adapter, responses ? UpstreamApi::kResponses : UpstreamApi::kChat, input);
  CompareReadings(input.substr(std::min<std::size_t>(size, 1)));
  return 0;
}
