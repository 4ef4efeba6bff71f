#include "gateway/llm/golden_fixture.h"

#include <fmt/format.h>

#include <memory>
#include <utility>
#include <vector>

#include "gateway/llm/provider.h"
#include "net/handler.h"

namespace podium::gateway::llm {
namespace {

constexpr std::string_view kMark = "--- ";

struct Call {
  Surface surface = Surface::kChat;
  bool anthropic = false;
  std::string model = "upstream-model";
  ProviderOptions options;
};

Call CallOf(const std::string& section) {
  Call call;
  std::size_t begin = 0;
  while (begin < section.size()) {
    const std::size_t end = section.find('\n', begin);
    const std::string line = section.substr(begin, end - begin);
    begin = end + 1;
    const std::size_t space = line.find(' ');
    const std::string key = line.substr(0, space), value = line.substr(space + 1);
    for (int i = 0; i < kSurfaceCount; ++i) {
      if (key == "surface" && value == NameOf(static_cast<Surface>(i))) {
        call.surface = static_cast<Surface>(i);
      }
    }
    if (key == "provider") call.anthropic = value == "anthropic";
    if (key == "model") call.model = value;
    if (key == "azure") {
      call.options.base_path.clear();
      call.options.azure_paths = true;
      call.options.api_version = value;
    }
    if (key == "responses") call.options.native_responses = value != "translated";
    if (key == "max_tokens") call.options.legacy_max_tokens = value == "legacy";
  }
  return call;
}

void Feed(StreamTranslator& translator, std::string_view stream, std::string& out) {
  std::string event;
  while (!stream.empty()) {
    const std::size_t end = stream.find('\n');
    const std::string_view line = stream.substr(0, end);
    stream.remove_prefix(end + 1);
    if (line.starts_with("event: ")) event = line.substr(7);
    if (!line.starts_with("data: ")) continue;
    if (const auto fed = translator.Feed(event, line.substr(6), out); !fed) {
      translator.Abort(CallErrorOf(*translator.progress().failure), out);
      return;
    }
    event.clear();
  }
  if (const auto end = translator.Finish(out); !end) {
    translator.Abort(CallErrorOf(*translator.progress().failure), out);
  }
}

std::string Known(const TokenUsage& usage, FinishReason finish, std::string_view id) {
  return fmt::format("input {} read {} write {}+{} output {} reasoning {}{}\nfinish {}\nid {}\n",
                     usage.uncached_input, usage.cache_read, usage.cache_write_5m,
                     usage.cache_write_1h, usage.output_text, usage.output_reasoning,
                     usage.estimated ? " (estimated)" : "", NameOf(finish), id);
}

std::string Section(std::string_view name, std::string_view text) {
  std::string out = fmt::format("{}{}\n{}", kMark, name, text);
  if (!out.ends_with('\n')) out += '\n';
  return out;
}

}  // namespace

GoldenSections ReadGolden(std::string_view text) {
  GoldenSections sections;
  std::string* section = nullptr;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.starts_with(kMark)) {
      section = &sections[std::string(line.substr(kMark.size()))];
    } else if (section != nullptr) {
      section->append(line).append("\n");
    }
  }
  return sections;
}

std::string RunGolden(const GoldenSections& in) {
  const Call call = CallOf(in.at("call"));
  JsonScratch scratch;
  const auto adapter = call.anthropic ? MakeAnthropicAdapter(scratch) : MakeOpenAiAdapter(scratch);
  std::string out = Section("call", in.at("call")) + Section("request", in.at("request"));

  std::string body = in.at("request");
  const std::size_t size = body.size();
  body.append(net::kBodyPadding, '\xAA');
  const std::string_view request = std::string_view(body).substr(0, size);
  FieldScanner scanner;
  auto fields = scanner.Scan(call.surface, request);
  if (!fields) return out + Section("refused", fields.error().message);
  fields->received_unix = 1'767'225'600;
  const auto encoded = adapter->Encode(call.surface, *fields, request, call.model, call.options);
  if (!encoded) {
    std::string error;
    AppendError(call.surface, CallErrorOf(encoded.error()), error);
    return out + Section("refused", error);
  }
  std::string upstream = "POST " + encoded->target + "\n";
  for (const auto& [name, value] : encoded->headers) {
    upstream += fmt::format("{}: {}\n", name, value);
  }
  out += Section("upstream request", upstream + "\n" + encoded->body);
  if (const auto answer = in.find("answer"); answer != in.end()) {
    out += Section("answer", answer->second);
    const auto decoded = adapter->Decode(encoded->terms, {}, answer->second);
    if (decoded.failure) {
      std::string error;
      AppendError(call.surface, CallErrorOf(*decoded.failure), error);
      return out + Section("caller", error);
    }
    out += Section("caller", decoded.body.value_or("(the same bytes)"));
    out += Section("known", Known(decoded.usage, decoded.finish, decoded.upstream_id));
  }
  if (const auto stream = in.find("stream"); stream != in.end()) {
    out += Section("stream", stream->second);
    const auto translator = adapter->Translate(encoded->terms);
    std::string caller;
    Feed(*translator, stream->second, caller);
    out += Section("caller", caller);
    const StreamProgress& progress = translator->progress();
    out += Section("known", Known(progress.usage, progress.finish, progress.upstream_id));
  }
  return out;
}

}  // namespace podium::gateway::llm
