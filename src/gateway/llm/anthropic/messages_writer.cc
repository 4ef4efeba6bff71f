// A stream of Anthropic's message events.
#include <cstddef>
#include <vector>

#include "gateway/llm/anthropic/anthropic_usage.h"
#include "gateway/llm/json_extent.h"
#include "gateway/llm/json_text.h"
#include "gateway/llm/reply_writer.h"
#include "net/sse_parser.h"

namespace podium::gateway::llm {
namespace {

/// Blocks come one after the other. Only tool calls whose arguments a provider interleaves stay
/// open side by side: a call is closed when the next one begins and its arguments are whole.
class MessagesWriter final : public ReplyWriter {
 public:
  void Begin(const Reply& head, std::string& out) override;
  void Text(std::string_view text, std::string& out) override;
  void Refusal(std::string_view text, std::string& out) override { Text(text, out); }
  void Thinking(std::string_view text, std::string& out) override;
  void Signature(std::string_view signature, std::string& out) override;
  void RedactedThinking(std::string_view data, std::string& out) override;
  void ToolCall(std::size_t tool, std::string_view id, std::string_view name,
                std::string& out) override;
  void ToolArguments(std::size_t tool, std::string_view piece, std::string& out) override;
  void EndBlock(std::string& out) override { Close(out); }
  void End(const Reply& end, std::string& out) override;
  void Abort(const CallError& error, std::string& out) override {
    AppendErrorFrame(Surface::kMessages, error, 0, out);
  }

 private:
  enum class Open { kNone, kText, kThinking };
  struct Call {
    std::size_t block = 0;
    bool open = true;
    JsonExtent arguments;
  };

  void Start(std::string_view content_block, std::string& out);
  void Stop(std::size_t block, std::string& out);
  void Ensure(Open kind, std::string& out);
  void Close(std::string& out);
  void CloseCalls(bool all, std::string& out);
  void Delta(std::size_t block, std::string_view type, std::string_view key, std::string_view piece,
             std::string& out);

  std::size_t next_ = 0;  // Block index.
  Open open_ = Open::kNone;
  std::vector<Call> calls_;
};

void MessagesWriter::Begin(const Reply& head, std::string& out) {
  std::string data;
  JsonText json(data);
  json.Object().Member("type", "message_start").Key("message").Object();
  json.Member("id", head.id).Member("type", "message").Member("role", "assistant");
  json.Member("model", head.model).Key("content").Array().EndArray();
  json.Key("stop_reason").Null().Key("stop_sequence").Null();
  // What was read is known at the end only; message_delta has it.
  std::string usage;
  AppendMessagesUsage({}, usage);
  json.Key("usage").Raw(usage).EndObject().EndObject();
  net::AppendSseEvent("message_start", data, out);
}

void MessagesWriter::Start(std::string_view content_block, std::string& out) {
  std::string data;
  JsonText json(data);
  json.Object().Member("type", "content_block_start");
  json.Key("index").Number(static_cast<std::int64_t>(next_));
  json.Key("content_block").Raw(content_block).EndObject();
  net::AppendSseEvent("content_block_start", data, out);
  ++next_;
}

void MessagesWriter::Stop(std::size_t block, std::string& out) {
  std::string data;
  JsonText json(data);
  json.Object().Member("type", "content_block_stop");
  json.Key("index").Number(static_cast<std::int64_t>(block)).EndObject();
  net::AppendSseEvent("content_block_stop", data, out);
}

void MessagesWriter::Delta(std::size_t block, std::string_view type, std::string_view key,
                           std::string_view piece, std::string& out) {
  constexpr std::size_t kAround = 160;
  std::string data;
  data.reserve(piece.size() + kAround);
  JsonText json(data);
  json.Object().Member("type", "content_block_delta");
  json.Key("index").Number(static_cast<std::int64_t>(block)).Key("delta").Object();
  json.Member("type", type).Member(key, piece).EndObject().EndObject();
  net::AppendSseEvent("content_block_delta", data, out);
}

void MessagesWriter::CloseCalls(bool all, std::string& out) {
  for (Call& call : calls_) {
    if (!call.open || !(all || call.arguments.whole())) continue;
    Stop(call.block, out);
    call.open = false;
  }
}

void MessagesWriter::Close(std::string& out) {
  if (open_ != Open::kNone) Stop(next_ - 1, out);
  open_ = Open::kNone;
  CloseCalls(/*all=*/false, out);
}

void MessagesWriter::Ensure(Open kind, std::string& out) {
  if (open_ == kind) return;
  Close(out);
  Start(kind == Open::kText ? R"({"type":"text","text":""})"
                            : R"({"type":"thinking","thinking":"","signature":""})",
        out);
  open_ = kind;
}

void MessagesWriter::Text(std::string_view text, std::string& out) {
  Ensure(Open::kText, out);
  Delta(next_ - 1, "text_delta", "text", text, out);
}

void MessagesWriter::Thinking(std::string_view text, std::string& out) {
  Ensure(Open::kThinking, out);
  Delta(next_ - 1, "thinking_delta", "thinking", text, out);
}

void MessagesWriter::Signature(std::string_view signature, std::string& out) {
  Ensure(Open::kThinking, out);
  Delta(next_ - 1, "signature_delta", "signature", signature, out);
}

void MessagesWriter::RedactedThinking(std::string_view data, std::string& out) {
  Close(out);
  std::string block;
  JsonText(block).Object().Member("type", "redacted_thinking").Member("data", data).EndObject();
  Start(block, out);
  Stop(next_ - 1, out);
}

void MessagesWriter::ToolCall(std::size_t tool, std::string_view id, std::string_view name,
                              std::string& out) {
  Close(out);
  std::string block;
  JsonText json(block);
  json.Object().Member("type", "tool_use").Member("id", id).Member("name", name);
  json.Key("input").Object().EndObject().EndObject();
  if (calls_.size() <= tool) calls_.resize(tool + 1);
  calls_[tool] = {next_, true, {}};
  Start(block, out);
}

/// White space that follows whole arguments may come after the block was closed: it means nothing.
void MessagesWriter::ToolArguments(std::size_t tool, std::string_view piece, std::string& out) {
  Call& call = calls_[tool];
  if (!call.open) return;
  call.arguments.Feed(piece);
  Delta(call.block, "input_json_delta", "partial_json", piece, out);
}

void MessagesWriter::End(const Reply& end, std::string& out) {
  Close(out);
  CloseCalls(/*all=*/true, out);
  std::string data;
  JsonText json(data);
  json.Object().Member("type", "message_delta").Key("delta").Object();
  json.Member("stop_reason", AnthropicName(end.finish)).Key("stop_sequence");
  if (end.stop_sequence.empty()) {
    json.Null();
  } else {
    json.String(end.stop_sequence);
  }
  std::string usage;
  AppendMessagesUsage(end.usage, usage);
  json.EndObject().Key("usage").Raw(usage).EndObject();
  net::AppendSseEvent("message_delta", data, out);
  net::AppendSseEvent("message_stop", R"({"type":"message_stop"})", out);
}

}  // namespace

std::unique_ptr<ReplyWriter> MakeMessagesWriter() { return std::make_unique<MessagesWriter>(); }

}  // namespace podium::gateway::llm
