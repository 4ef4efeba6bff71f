// Chat completion chunks, told to a caller who speaks another format.
#include <utility>
#include <vector>

#include "base/limits.h"
#include "gateway/llm/openai/chat_reply.h"
#include "gateway/llm/openai/openai_usage.h"
#include "gateway/llm/reply_writer.h"
#include "gateway/llm/stream_translators.h"

namespace podium::gateway::llm {
namespace {

class ChatRetell final : public StreamTranslator {
 public:
  ChatRetell(const AnswerTerms& terms, JsonScratch& scratch)
      : received_unix_(terms.received_unix), writer_(MakeReplyWriter(terms)), scratch_(scratch) {}

  Status Feed(std::string_view event, std::string_view data, std::string& out) override;
  Status Finish(std::string& out) override;
  void Abort(const CallError& error, std::string& out) override { writer_->Abort(error, out); }

 private:
  /// One call as the provider numbers it. It begins for the caller when its name is known.
  struct Call {
    std::int64_t index = 0;
    std::string id;
    std::size_t number = 0;
    bool begun = false;
  };

  void TakeHead(JsonElement frame, std::string& out);
  Status TakeChoice(JsonElement choice, std::string& out);
  Status TakeCall(JsonElement call, std::size_t place, std::string& out);
  Result<Call*> CallAt(JsonElement call, std::size_t place);
  void Output(std::size_t bytes);

  const std::int64_t received_unix_;
  const std::unique_ptr<ReplyWriter> writer_;
  JsonScratch& scratch_;
  std::vector<Call> calls_;
  std::size_t begun_ = 0;
  bool head_told_ = false;
};

Status ChatRetell::Feed(std::string_view event, std::string_view data, std::string& out) {
  if (data.starts_with("[DONE]")) {
    progress_.ended = true;
    return {};
  }
  const auto frame = scratch_.Parse(data);
  if (!frame || !frame->is_object()) {
    return FailWith(Unreadable(frame ? "a frame that is no object" : frame.error().message));
  }
  if (auto failure = FailureIn(*frame, event)) return FailWith(*std::move(failure));
  const auto usage = MemberAt(*frame, "usage");
  if (const auto read = usage ? ReadOpenAiUsage(*usage) : std::nullopt) progress_.usage = *read;
  const auto choices = ArrayAt(*frame, "choices");
  if (!choices || choices->size() == 0) return {};
  TakeHead(*frame, out);
  for (const JsonElement choice : *choices) {
    if (IntegerAt(choice, "index").value_or(0) == 0) PODIUM_TRY(TakeChoice(choice, out));
  }
  if (writer_->full()) return FailWith(Unreadable("an answer too long to be repeated at its end"));
  return {};
}

void ChatRetell::TakeHead(JsonElement frame, std::string& out) {
  if (head_told_) return;
  head_told_ = true;
  progress_.upstream_id = StringAt(frame, "id");
  progress_.upstream_model = StringAt(frame, "model");
  Reply head;
  head.id = progress_.upstream_id;
  head.model = progress_.upstream_model;
  head.created = IntegerAt(frame, "created").value_or(received_unix_);
  writer_->Begin(head, out);
}

void ChatRetell::Output(std::size_t bytes) {
  progress_.output_bytes += bytes;
  progress_.has_output = true;
}

Status ChatRetell::TakeChoice(JsonElement choice, std::string& out) {
  if (const auto delta = ObjectAt(choice, "delta")) {
    if (const std::string_view thought = ReasoningOf(*delta); !thought.empty()) {
      writer_->Thinking(thought, out);
      Output(thought.size());
    }
    if (const std::string_view text = StringAt(*delta, "content"); !text.empty()) {
      writer_->Text(text, out);
      Output(text.size());
    }
    if (const std::string_view text = StringAt(*delta, "refusal"); !text.empty()) {
      writer_->Refusal(text, out);
      Output(text.size());
    }
    if (const auto calls = ArrayAt(*delta, "tool_calls")) {
      std::size_t place = 0;
      for (const JsonElement call : *calls) PODIUM_TRY(TakeCall(call, place++, out));
    }
  }
  const std::string_view finish = StringAt(choice, "finish_reason");
  if (!finish.empty()) progress_.finish = FinishFromOpenAi(finish);
  return {};
}

Status ChatRetell::TakeCall(JsonElement call, std::size_t place, std::string& out) {
  PODIUM_TRY_ASSIGN(Call * state, CallAt(call, place));
  if (state->id.empty()) state->id = StringAt(call, "id");
  const auto function = ObjectAt(call, "function");
  if (!function) return {};
  const std::string_view name = StringAt(*function, "name");
  if (!state->begun && !name.empty()) {
    state->begun = true;
    state->number = begun_++;
    if (state->id.empty()) state->id = fmt::format("call_{}", state->number);
    writer_->ToolCall(state->number, state->id, name, out);
    Output(0);
  }
  const std::string_view arguments = StringAt(*function, "arguments");
  if (arguments.empty()) return {};
  if (!state->begun) return FailWith(Unreadable("arguments of a tool call without a name"));
  writer_->ToolArguments(state->number, arguments, out);
  Output(arguments.size());
  return {};
}

/// Servers that leave the index out send whole calls: their place in the list tells them apart,
/// and a new id begins a new one.
Result<ChatRetell::Call*> ChatRetell::CallAt(JsonElement call, std::size_t place) {
  const auto given = IntegerAt(call, "index");
  const std::string_view id = StringAt(call, "id");
  const std::int64_t index = given.value_or(static_cast<std::int64_t>(place));
  for (auto known = calls_.rbegin(); known != calls_.rend(); ++known) {
    const bool other = !given && !id.empty() && !known->id.empty() && id != known->id;
    if (known->index == index && !other) return &*known;
  }
  if (calls_.size() >= limits::kMaxStreamBlocks) {
    return Fail(FailWith(Unreadable("too many tool calls")).error());
  }
  calls_.push_back({index, std::string(id), 0, false});
  return &calls_.back();
}

Status ChatRetell::Finish(std::string& out) {
  if (!progress_.ended && progress_.finish == FinishReason::kNone) {
    return FailWith(Unreadable("the stream ended without its end"));
  }
  if (!head_told_) return FailWith(Unreadable("a stream without choices"));
  progress_.ended = true;
  // Servers say "stop" beside a call, or nothing: an agent that believed it would end.
  const bool plain =
      progress_.finish == FinishReason::kNone || progress_.finish == FinishReason::kStop;
  if (plain) progress_.finish = begun_ > 0 ? FinishReason::kToolCalls : FinishReason::kStop;
  Reply end;
  end.finish = progress_.finish;
  end.usage = progress_.usage;
  writer_->End(end, out);
  return {};
}

}  // namespace

std::unique_ptr<StreamTranslator> RetellChatStream(const AnswerTerms& terms, JsonScratch& scratch) {
  return std::make_unique<ChatRetell>(terms, scratch);
}

}  // namespace podium::gateway::llm
