// What the codecs cost on the path of a call: a request of a kilobyte read and changed, an answer
// of a kilobyte read, one chunk of a stream passed on or retold, and the arguments of a tool
// checked.
//
// A batch is 100 of them, its mean one sample, and the figure is the median of the samples. Every
// allocation of this process is counted.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/clock.h"
#include "gateway/llm/json_syntax.h"
#include "gateway/llm/provider.h"
#include "net/handler.h"
#include "net/sse_parser.h"
#include "testing/count_allocations.h"

namespace podium::gateway::llm {
namespace {

using podium::testing::allocations;

constexpr int kBatch = 100;

/// Runs batches until the framework has enough, and reports their median.
template <typename Work>
void MedianOfBatches(benchmark::State& state, Work work) {
  const SystemClock clock;
  std::vector<double> means;
  means.reserve(1'000'000);
  std::int64_t allocated = 0;
  work();  // What is allocated once for a core is not a call's.
  for (auto _ : state) {
    const std::int64_t before = allocations;
    const SteadyTime start = clock.SteadyNow();
    for (int i = 0; i < kBatch; ++i) work();
    const std::chrono::nanoseconds took = clock.SteadyNow() - start;
    allocated += allocations - before;
    if (means.size() < means.capacity())
      means.push_back(static_cast<double>(took.count()) / kBatch);
  }
  const auto middle = means.begin() + static_cast<std::ptrdiff_t>(means.size() / 2);
  std::nth_element(means.begin(), middle, means.end());
  state.counters["median_ns"] = *middle;
  state.counters["allocations"] =
      static_cast<double>(allocated) / static_cast<double>(state.iterations() * kBatch);
}

/// With the bytes behind it that a body has.
struct Padded {
  explicit Padded(std::string text) : bytes(std::move(text)), size(bytes.size()) {
    bytes.append(net::kBodyPadding, ' ');
  }
  std::string_view view() const { return std::string_view(bytes).substr(0, size); }
  std::string bytes;
  std::size_t size;
};

std::string Words(std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += "and then the answer said \\\"no\\\", ";
  return text;
}

const Padded& ChatRequest() {
  static const Padded body(fmt::format(
      R"({{"model":"support","messages":[{{"role":"system","content":"You help people."}},)"
      R"({{"role":"user","content":"{}"}}],"temperature":0.7,"max_tokens":256,"user":"u-17",)"
      R"("stream":true}})",
      Words(840)));
  return body;
}

std::string ChatReply() {
  return fmt::format(
      R"({{"id":"chatcmpl-9","object":"chat.completion","created":1790000000,"model":"gpt-x",)"
      R"("choices":[{{"index":0,"message":{{"role":"assistant","content":"{}","refusal":null}},)"
      R"("logprobs":null,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":210,)"
      R"("completion_tokens":160,"total_tokens":370,"prompt_tokens_details":{{"cached_tokens":0,)"
      R"("audio_tokens":0}},"completion_tokens_details":{{"reasoning_tokens":0}}}}}})",
      Words(620));
}

constexpr std::string_view kChatChunk =
    R"(data: {"id":"chatcmpl-9","object":"chat.completion.chunk","created":1790000000,)"
    R"("model":"gpt-x","service_tier":"default","system_fingerprint":"fp_44709d6fcb","choices":)"
    R"([{"index":0,"delta":{"content":" hello"},"logprobs":null,"finish_reason":null}],"usage":null})"
    "\n\n";
constexpr std::string_view kMessagesChunk =
    "event: content_block_delta\n"
    R"(data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" hello"}})"
    "\n\n";

AnswerTerms TermsOf(Surface surface, UpstreamApi api) {
  AnswerTerms terms;
  terms.surface = surface;
  terms.api = api;
  terms.stream = true;
  return terms;
}

void ScanChatRequest(benchmark::State& state) {
  FieldScanner scanner;
  MedianOfBatches(state, [&] {
    benchmark::DoNotOptimize(scanner.Scan(Surface::kChat, ChatRequest().view()).has_value());
  });
}
BENCHMARK(ScanChatRequest);

void SpliceChatRequest(benchmark::State& state) {
  FieldScanner scanner;
  const RequestFields fields = scanner.Scan(Surface::kChat, ChatRequest().view()).value();
  MedianOfBatches(state, [&] {
    benchmark::DoNotOptimize(SpliceBody(ChatRequest().view(), fields, "gpt-x", true).size());
  });
}
BENCHMARK(SpliceChatRequest);

/// As a call does it: read, changed, with target and headers.
void EncodeChatRequest(benchmark::State& state) {
  JsonScratch scratch;
  FieldScanner scanner;
  const auto adapter = MakeOpenAiAdapter(scratch);
  const ProviderOptions options;
  MedianOfBatches(state, [&] {
    const auto fields = scanner.Scan(Surface::kChat, ChatRequest().view());
    benchmark::DoNotOptimize(
        adapter->Encode(Surface::kChat, *fields, ChatRequest().view(), "gpt-x", options));
  });
}
BENCHMARK(EncodeChatRequest);

void DecodeChatReply(benchmark::State& state) {
  JsonScratch scratch;
  const auto adapter = MakeOpenAiAdapter(scratch);
  const std::string reply = ChatReply();
  const AnswerTerms terms;
  const std::vector<net::HeaderField> headers;
  MedianOfBatches(state, [&] {
    const Answer answer = adapter->Decode(terms, headers, reply);
    PODIUM_ASSERT(answer.usage.uncached_input == 210);
  });
}
BENCHMARK(DecodeChatReply);

/// One event of a provider's stream, from the socket's bytes to the caller's.
void Chunk(benchmark::State& state, const ProviderAdapter& adapter, AnswerTerms terms,
           std::string_view head, std::string_view chunk) {
  const auto translator = adapter.Translate(std::move(terms));
  net::SseParser parser;
  std::string out;
  const auto take = [&](std::string_view bytes) {
    parser.Feed(bytes);
    while (const auto event = *parser.Next()) {
      PODIUM_ASSERT(translator->Feed(event->name, event->data, out));
    }
  };
  take(head);
  MedianOfBatches(state, [&] {
    out.clear();
    take(chunk);
    benchmark::DoNotOptimize(out.data());
  });
}

void PassChatChunk(benchmark::State& state) {
  JsonScratch scratch;
  const auto adapter = MakeOpenAiAdapter(scratch);
  Chunk(state, *adapter, TermsOf(Surface::kChat, UpstreamApi::kChat), "", kChatChunk);
}
BENCHMARK(PassChatChunk);

void RetellChatChunk(benchmark::State& state) {
  JsonScratch scratch;
  const auto adapter = MakeOpenAiAdapter(scratch);
  Chunk(state, *adapter, TermsOf(Surface::kMessages, UpstreamApi::kChat), "", kChatChunk);
}
BENCHMARK(RetellChatChunk);

void PassMessagesChunk(benchmark::State& state) {
  JsonScratch scratch;
  const auto adapter = MakeAnthropicAdapter(scratch);
  Chunk(state, *adapter, TermsOf(Surface::kMessages, UpstreamApi::kMessages), "", kMessagesChunk);
}
BENCHMARK(PassMessagesChunk);

/// As many bytes of arguments as a body can have.
void CheckArguments(benchmark::State& state, std::string_view element) {
  std::string text = "{\"a\":[" + std::string(element);
  while (text.size() < 30'000'000) text.append(",").append(element);
  text += "]}";
  for (auto _ : state) {
    const bool object = IsJsonObject(text);
    PODIUM_ASSERT(object);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK_CAPTURE(CheckArguments, zeros, "0")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(CheckArguments, numbers, "7,-12.5,1e9,1234567")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(CheckArguments, objects, R"({"city":"Zurich","days":[1,2],"ok":true})")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(CheckArguments, text, R"("a line of text of the usual length, and \"quoted\"")")
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace podium::gateway::llm

BENCHMARK_MAIN();
