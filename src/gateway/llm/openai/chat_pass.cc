// Chat completion chunks for a caller who asked for chat completion chunks.
#include <algorithm>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "gateway/llm/json_text.h"
#include "gateway/llm/openai/chat_reply.h"
#include "gateway/llm/openai/openai_usage.h"
#include "gateway/llm/stream_translators.h"
#include "net/sse_parser.h"

namespace podium::gateway::llm {
namespace {

struct Choice {
  bool output = false;
  bool calls = false;
  bool function_call = false;  ///< The one call of the API before tools.
  bool finished = false;
};

std::string_view MissingFinish(const Choice& choice) {
  if (choice.function_call) return "function_call";
  return NameOf(choice.calls ? FinishReason::kToolCalls : FinishReason::kStop);
}

class ChatPass final : public StreamTranslator {
 public:
  ChatPass(AnswerTerms terms, JsonScratch& scratch) : terms_(std::move(terms)), scratch_(scratch) {}

  Status Feed(std::string_view event, std::string_view data, std::string& out) override;
  Status Finish(std::string& out) override;
  void Abort(const CallError& error, std::string& out) override {
    AppendErrorFrame(Surface::kChat, error, 0, out);
  }

 private:
  Status TakeChoices(simdjson::dom::array choices);
  void TakeDelta(JsonElement choice, Choice& state);
  void Forward(std::string_view data, bool choices_missing, bool has_usage, bool has_choices,
               std::string& out);
  void AppendMissingFinish(std::string& out);

  const AnswerTerms terms_;
  JsonScratch& scratch_;
  std::vector<Choice> choices_;
  std::int64_t created_ = 0;
};

Status ChatPass::Feed(std::string_view event, std::string_view data, std::string& out) {
  if (data.starts_with("[DONE]")) {
    AppendMissingFinish(out);
    progress_.ended = true;
    return {};
  }
  const auto frame = scratch_.Parse(data);
  if (!frame || !frame->is_object()) {
    return FailWith(Unreadable(frame ? "a frame that is no object" : frame.error().message));
  }
  if (auto failure = FailureIn(*frame, event)) return FailWith(*std::move(failure));
  if (progress_.upstream_id.empty()) {
    progress_.upstream_id = StringAt(*frame, "id");
    progress_.upstream_model = StringAt(*frame, "model");
    created_ = IntegerAt(*frame, "created").value_or(terms_.received_unix);
  }
  const auto usage = MemberAt(*frame, "usage");
  const auto read = usage ? ReadOpenAiUsage(*usage) : std::nullopt;
  if (read) progress_.usage = *read;  // Those that count on send totals: the last one holds.
  const auto choices = ArrayAt(*frame, "choices");
  if (choices) PODIUM_TRY(TakeChoices(*choices));
  Forward(data, !choices, usage.has_value(), choices && choices->size() > 0, out);
  return {};
}

Status ChatPass::TakeChoices(simdjson::dom::array choices) {
  for (const JsonElement choice : choices) {
    const std::int64_t index = IntegerAt(choice, "index").value_or(0);
    if (index < 0 || index >= limits::kMaxChoices) {
      return FailWith(Unreadable(fmt::format("choice {}", index)));
    }
    const auto at = static_cast<std::size_t>(index);
    if (choices_.size() <= at) choices_.resize(at + 1);
    TakeDelta(choice, choices_[at]);
    const std::string_view finish = StringAt(choice, "finish_reason");
    if (finish.empty()) continue;
    choices_[at].finished = true;
    if (index == 0) progress_.finish = FinishFromOpenAi(finish);
  }
  return {};
}

void ChatPass::TakeDelta(JsonElement choice, Choice& state) {
  const auto delta = ObjectAt(choice, "delta");
  if (!delta) return;
  std::size_t bytes = StringAt(*delta, "content").size() + StringAt(*delta, "refusal").size() +
                      ReasoningOf(*delta).size();
  if (const auto calls = ArrayAt(*delta, "tool_calls")) {
    for (const JsonElement call : *calls) {
      state.calls = true;  // A call without arguments is output too.
      if (const auto function = ObjectAt(call, "function")) {
        bytes += StringAt(*function, "arguments").size();
      }
    }
  }
  bool sound = false;
  if (const auto audio = ObjectAt(*delta, "audio")) {
    // Its bytes say nothing about tokens; what is said in it does.
    sound = !StringAt(*audio, "data").empty();
    bytes += StringAt(*audio, "transcript").size();
  }
  if (const auto function = ObjectAt(*delta, "function_call")) {
    const std::size_t arguments = StringAt(*function, "arguments").size();
    state.function_call =
        state.function_call || arguments > 0 || !StringAt(*function, "name").empty();
    bytes += arguments;
  }
  state.output = state.output || state.calls || state.function_call || sound || bytes > 0;
  progress_.output_bytes += bytes;
  progress_.has_output = progress_.has_output || state.output;
}

/// The bytes as they came, but: a frame with nothing but the usage is for those who asked, and
/// `choices: null` breaks SDKs that walk the list.
void ChatPass::Forward(std::string_view data, bool choices_missing, bool has_usage,
                       bool has_choices, std::string& out) {
  const bool strip = has_usage && !terms_.include_usage;
  if (has_usage && !has_choices) {
    AppendMissingFinish(out);
    if (strip) return;
  }
  if (!choices_missing && !strip) return net::AppendSseEvent("", data, out);
  std::string changed(data);
  if (choices_missing) changed = WithMember(changed, "choices", "[]");
  if (strip) changed = WithMember(changed, "usage", "null");
  net::AppendSseEvent("", changed, out);
}

/// A server that forgets the finish reason leaves agents waiting for ever, or looping.
void ChatPass::AppendMissingFinish(std::string& out) {
  for (std::size_t i = 0; i < choices_.size(); ++i) {
    Choice& choice = choices_[i];
    if (!choice.output || choice.finished) continue;
    choice.finished = true;
    const std::string_view reason = MissingFinish(choice);
    if (i == 0) progress_.finish = FinishFromOpenAi(reason);
    std::string data;
    JsonText json(data);
    json.Object().Member("id", progress_.upstream_id).Member("object", "chat.completion.chunk");
    json.Key("created").Number(created_).Member("model", progress_.upstream_model);
    json.Key("choices").Array().Object().Key("index").Number(static_cast<std::int64_t>(i));
    json.Key("delta").Object().EndObject().Member("finish_reason", reason);
    json.EndObject().EndArray().EndObject();
    net::AppendSseEvent("", data, out);
  }
}

Status ChatPass::Finish(std::string& out) {
  if (choices_.empty()) return FailWith(Unreadable("a stream without choices"));
  if (!progress_.ended) {
    const bool whole =
        std::ranges::all_of(choices_, [](const Choice& c) { return c.finished || !c.output; }) &&
        std::ranges::any_of(choices_, &Choice::finished);
    if (!whole) return FailWith(Unreadable("the stream ended without its end"));
    progress_.ended = true;
  }
  net::AppendSseEvent("", "[DONE]", out);
  return {};
}

}  // namespace

std::unique_ptr<StreamTranslator> PassChatStream(AnswerTerms terms, JsonScratch& scratch) {
  return std::make_unique<ChatPass>(std::move(terms), scratch);
}

std::string WithMember(std::string_view json, std::string_view key, std::string_view value) {
  namespace od = simdjson::ondemand;
  const simdjson::padded_string padded(json);
  od::parser parser;
  od::document document;
  od::object object;
  if (parser.iterate(padded).get(document) != simdjson::SUCCESS ||
      document.get_object().get(object) != simdjson::SUCCESS) {
    return std::string(json);
  }
  for (auto entry : object) {
    od::field field;
    std::string_view name;
    if (std::move(entry).get(field) != simdjson::SUCCESS ||
        field.unescaped_key().get(name) != simdjson::SUCCESS) {
      break;
    }
    if (name != key) continue;
    od::value found = field.value();
    std::string_view text = found.raw_json_token();
    od::object inner;
    od::array list;
    if (text.starts_with('{') && found.get_object().get(inner) == simdjson::SUCCESS) {
      if (inner.raw_json().get(text) != simdjson::SUCCESS) break;
    } else if (text.starts_with('[') && found.get_array().get(list) == simdjson::SUCCESS) {
      if (list.raw_json().get(text) != simdjson::SUCCESS) break;
    }
    const auto begin = static_cast<std::size_t>(text.data() - padded.data());
    const std::size_t size = text.find_last_not_of(" \t\r\n") + 1;
    std::string out(json.substr(0, begin));
    return out.append(value).append(json.substr(begin + size));
  }
  return std::string(json);
}

}  // namespace podium::gateway::llm
