// Chat completion chunks for a caller who asked for chat completion chunks.
#include <algorithm>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/limits.h"
#include "gateway/llm/json_text.h"
#include "gateway/llm/openai/chat_reply.h"
#include "gateway/llm/openai/delta_pattern.h"
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
  ChatPass(AnswerTerms terms, JsonScratch& scratch, FrameReading reading)
      : terms_(std::move(terms)), scratch_(scratch), reading_(reading) {}

  Status Feed(std::string_view event, std::string_view data, std::string& out) override;
  Status Finish(std::string& out) override;
  void Abort(const CallError& error, std::string& out) override {
    AppendErrorFrame(Surface::kChat, error, 0, out);
  }

 private:
  Status ReadFrame(std::string_view event, std::string_view data, std::string& out);
  Status TakeChoices(simdjson::dom::array choices);
  void TakeDelta(JsonElement choice, Choice& state);
  void LearnFrame(std::string_view data, simdjson::dom::array choices, std::uint64_t bytes);
  void TakeLearned(std::size_t text_bytes);
  void Forward(std::string_view data, bool choices_missing, bool has_usage, bool has_choices,
               std::string& out);
  void AppendMissingFinish(std::string& out);

  const AnswerTerms terms_;
  JsonScratch& scratch_;
  const FrameReading reading_;
  std::vector<Choice> choices_;
  std::int64_t created_ = 0;
  DeltaPattern pattern_;
  std::size_t pattern_choice_ = 0;   // Whose delta it is.
  std::uint64_t pattern_bytes_ = 0;  // Of output that it has besides the text.
};

Status ChatPass::Feed(std::string_view event, std::string_view data, std::string& out) {
  if (data.starts_with("[DONE]")) {
    AppendMissingFinish(out);
    progress_.ended = true;
    return {};
  }
  if (event.empty()) {
    if (const auto text = pattern_.Match(data)) {
      TakeLearned(text->size());
      net::AppendOneLineEvent(data, out);
      return {};
    }
  }
  return ReadFrame(event, data, out);
}

Status ChatPass::ReadFrame(std::string_view event, std::string_view data, std::string& out) {
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
  const std::uint64_t bytes_before = progress_.output_bytes;
  if (choices) PODIUM_TRY(TakeChoices(*choices));
  if (choices && !usage && event.empty()) {
    LearnFrame(data, *choices, progress_.output_bytes - bytes_before);
  }
  Forward(data, !choices, usage.has_value(), choices && choices->size() > 0, out);
  return {};
}

/// A frame whose like may be taken without parsing: whatever it has set is set the same way by the
/// next one, but for the bytes of its text. `bytes`: of output that it has had.
void ChatPass::LearnFrame(std::string_view data, simdjson::dom::array choices,
                          std::uint64_t bytes) {
  if (reading_ == FrameReading::kEachWhole || progress_.upstream_id.empty()) return;
  if (choices.size() != 1) return;
  const JsonElement choice = *choices.begin();
  const auto delta = ObjectAt(choice, "delta");
  if (!delta || !StringAt(choice, "finish_reason").empty()) return;
  const std::string_view text = StringAt(*delta, "content");
  if (text.empty() || !pattern_.Learn(data, text.size())) return;
  pattern_choice_ = static_cast<std::size_t>(IntegerAt(choice, "index").value_or(0));
  pattern_bytes_ = bytes - text.size();
}

void ChatPass::TakeLearned(std::size_t text_bytes) {
  progress_.output_bytes += pattern_bytes_ + text_bytes;
  // That of the pattern had a text; it has been an output since.
  PODIUM_ASSERT(choices_[pattern_choice_].output && progress_.has_output);
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

std::unique_ptr<StreamTranslator> PassChatStream(AnswerTerms terms, JsonScratch& scratch,
                                                 FrameReading reading) {
  return std::make_unique<ChatPass>(std::move(terms), scratch, reading);
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
