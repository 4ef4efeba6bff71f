// Anthropic's message events, for a caller who asked for them and for one who speaks another
// format.
#include <cstddef>
#include <utility>

#include "base/limits.h"
#include "gateway/llm/anthropic/anthropic_usage.h"
#include "gateway/llm/reply_writer.h"
#include "gateway/llm/stream_translators.h"
#include "net/sse_parser.h"

namespace podium::gateway::llm {
namespace {

/// What both have in common: what the events say about the answer as a whole.
class MessagesStream : public StreamTranslator {
 protected:
  explicit MessagesStream(JsonScratch& scratch) : scratch_(scratch) {}

  /// The event, with the head, the usage and the end noted.
  Result<JsonElement> Take(std::string_view event, std::string_view data);
  bool CutShort() const { return !progress_.ended && progress_.finish == FinishReason::kNone; }
  void Output(std::size_t bytes) {
    progress_.has_output = true;
    progress_.output_bytes += bytes;
  }
  const std::string& stop_sequence() const { return stop_sequence_; }

 private:
  void TakeHead(JsonElement event);
  void TakeEnd(JsonElement event);

  JsonScratch& scratch_;
  AnthropicUsage usage_;
  std::string stop_sequence_;
};

Result<JsonElement> MessagesStream::Take(std::string_view event, std::string_view data) {
  auto read = scratch_.Parse(data);
  if (!read || !read->is_object()) {
    return Fail(
        FailWith(Unreadable(read ? "an event that is no object" : read.error().message)).error());
  }
  if (auto failure = FailureIn(*read, event)) return Fail(FailWith(*std::move(failure)).error());
  const std::string_view type = StringAt(*read, "type");
  if (type == "message_start") TakeHead(*read);
  if (type == "message_delta") TakeEnd(*read);
  if (type == "message_stop") progress_.ended = true;
  return read;
}

void MessagesStream::TakeHead(JsonElement event) {
  const auto message = ObjectAt(event, "message");
  if (!message) return;
  progress_.upstream_id = StringAt(*message, "id");
  progress_.upstream_model = StringAt(*message, "model");
  if (const auto usage = ObjectAt(*message, "usage")) usage_.Merge(*usage, /*final=*/false);
  progress_.usage = usage_.Value();
}

void MessagesStream::TakeEnd(JsonElement event) {
  if (const auto usage = ObjectAt(event, "usage")) usage_.Merge(*usage, /*final=*/true);
  progress_.usage = usage_.Value();
  const auto delta = ObjectAt(event, "delta");
  const std::string_view reason = delta ? StringAt(*delta, "stop_reason") : std::string_view{};
  if (reason.empty()) return;
  progress_.finish = FinishFromAnthropic(reason);
  stop_sequence_ = StringAt(*delta, "stop_sequence");
}

class MessagesPass final : public MessagesStream {
 public:
  explicit MessagesPass(JsonScratch& scratch) : MessagesStream(scratch) {}

  Status Feed(std::string_view event, std::string_view data, std::string& out) override {
    PODIUM_TRY_ASSIGN(const JsonElement read, Take(event, data));
    const std::string_view type = StringAt(read, "type");
    NoteOutput(read, type);
    if (type != "message_stop") net::AppendSseEvent(event.empty() ? type : event, data, out);
    return {};
  }
  Status Finish(std::string& out) override {
    if (CutShort()) return FailWith(Unreadable("the stream ended without its end"));
    progress_.ended = true;
    net::AppendSseEvent("message_stop", R"({"type":"message_stop"})", out);
    return {};
  }
  void Abort(const CallError& error, std::string& out) override {
    AppendErrorFrame(Surface::kMessages, error, 0, out);
  }

 private:
  void NoteOutput(JsonElement event, std::string_view type) {
    if (type == "content_block_delta") {
      const auto delta = ObjectAt(event, "delta");
      if (!delta) return;
      for (const std::string_view key : {"text", "partial_json", "thinking"}) {
        const std::size_t bytes = StringAt(*delta, key).size();
        if (bytes > 0) Output(bytes);
      }
    } else if (type == "content_block_start") {
      const auto block = ObjectAt(event, "content_block");
      const std::string_view kind = block ? StringAt(*block, "type") : std::string_view{};
      if (kind != "text" && kind != "thinking") Output(0);
    }
  }
};

class MessagesRetell final : public MessagesStream {
 public:
  MessagesRetell(const AnswerTerms& terms, JsonScratch& scratch)
      : MessagesStream(scratch),
        received_unix_(terms.received_unix),
        writer_(MakeReplyWriter(terms)) {}

  Status Feed(std::string_view event, std::string_view data, std::string& out) override;
  Status Finish(std::string& out) override;
  void Abort(const CallError& error, std::string& out) override { writer_->Abort(error, out); }

 private:
  enum class Kind { kNone, kText, kThinking, kCall, kOther };

  void Begin(std::string& out);
  Status StartBlock(JsonElement event, std::string& out);
  void Delta(JsonElement event, std::string& out);
  void EndBlock(std::string& out);

  const std::int64_t received_unix_;
  const std::unique_ptr<ReplyWriter> writer_;
  bool begun_ = false;
  Kind kind_ = Kind::kNone;  // Of the open block.
  std::size_t calls_ = 0;
  std::string input_;  // Of a call whose arguments come with its start, or not at all.
};

Status MessagesRetell::Feed(std::string_view event, std::string_view data, std::string& out) {
  PODIUM_TRY_ASSIGN(const JsonElement read, Take(event, data));
  const std::string_view type = StringAt(read, "type");
  if (type == "message_start") Begin(out);
  if (type == "content_block_start") PODIUM_TRY(StartBlock(read, out));
  if (type == "content_block_delta") Delta(read, out);
  if (type == "content_block_stop") EndBlock(out);
  if (writer_->full()) return FailWith(Unreadable("an answer too long to be repeated at its end"));
  return {};
}

void MessagesRetell::Begin(std::string& out) {
  if (begun_) return;
  begun_ = true;
  Reply head;
  head.id = progress_.upstream_id;
  head.model = progress_.upstream_model;
  head.created = received_unix_;
  writer_->Begin(head, out);
}

Status MessagesRetell::StartBlock(JsonElement event, std::string& out) {
  const auto block = ObjectAt(event, "content_block");
  if (!block || !begun_) return FailWith(Unreadable("a block outside a message"));
  const std::string_view type = StringAt(*block, "type");
  kind_ = Kind::kOther;
  if (type == "text") {
    kind_ = Kind::kText;
    const std::string_view text = StringAt(*block, "text");
    if (text.empty()) return {};
    writer_->Text(text, out);
    Output(text.size());
  } else if (type == "thinking") {
    kind_ = Kind::kThinking;
  } else if (type == "redacted_thinking") {
    writer_->RedactedThinking(StringAt(*block, "data"), out);
    Output(0);
  } else if (type == "tool_use") {
    if (calls_ >= limits::kMaxStreamBlocks) return FailWith(Unreadable("too many tool calls"));
    kind_ = Kind::kCall;
    const auto input = ObjectAt(*block, "input");
    input_ = input ? TextOf(*input) : "{}";
    writer_->ToolCall(calls_++, StringAt(*block, "id"), StringAt(*block, "name"), out);
    Output(0);
  }
  return {};
}

void MessagesRetell::Delta(JsonElement event, std::string& out) {
  const auto delta = ObjectAt(event, "delta");
  if (!delta) return;
  if (kind_ == Kind::kText) {
    const std::string_view text = StringAt(*delta, "text");
    if (text.empty()) return;
    writer_->Text(text, out);
    Output(text.size());
  } else if (kind_ == Kind::kThinking) {
    const std::string_view thought = StringAt(*delta, "thinking");
    const std::string_view signature = StringAt(*delta, "signature");
    if (!thought.empty()) writer_->Thinking(thought, out);
    if (!signature.empty()) writer_->Signature(signature, out);
    if (!thought.empty()) Output(thought.size());
  } else if (kind_ == Kind::kCall) {
    const std::string_view piece = StringAt(*delta, "partial_json");
    if (piece.empty()) return;
    input_.clear();
    writer_->ToolArguments(calls_ - 1, piece, out);
    Output(piece.size());
  }
}

/// A call without a piece of arguments has those of its start: `{}` at least, which strict clients
/// need to parse something.
void MessagesRetell::EndBlock(std::string& out) {
  if (kind_ == Kind::kCall && !input_.empty()) {
    writer_->ToolArguments(calls_ - 1, input_, out);
    Output(input_.size());
  }
  if (kind_ != Kind::kNone) writer_->EndBlock(out);
  input_.clear();
  kind_ = Kind::kNone;
}

Status MessagesRetell::Finish(std::string& out) {
  if (CutShort() || !begun_) return FailWith(Unreadable("the stream ended without its end"));
  progress_.ended = true;
  if (progress_.finish == FinishReason::kNone) {
    progress_.finish = calls_ > 0 ? FinishReason::kToolCalls : FinishReason::kStop;
  }
  Reply end;
  end.finish = progress_.finish;
  end.stop_sequence = stop_sequence();
  end.usage = progress_.usage;
  writer_->End(end, out);
  return {};
}

}  // namespace

std::unique_ptr<StreamTranslator> PassMessagesStream(JsonScratch& scratch) {
  return std::make_unique<MessagesPass>(scratch);
}

std::unique_ptr<StreamTranslator> RetellMessagesStream(const AnswerTerms& terms,
                                                       JsonScratch& scratch) {
  return std::make_unique<MessagesRetell>(terms, scratch);
}

}  // namespace podium::gateway::llm
