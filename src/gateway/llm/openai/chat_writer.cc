// A stream of chat completion chunks.
#include <cstddef>

#include "gateway/llm/json_text.h"
#include "gateway/llm/openai/chat_request.h"
#include "gateway/llm/openai/openai_usage.h"
#include "gateway/llm/reply_writer.h"
#include "net/sse_parser.h"

namespace podium::gateway::llm {
namespace {

class ChatWriter final : public ReplyWriter {
 public:
  explicit ChatWriter(bool include_usage) : include_usage_(include_usage) {}

  void Begin(const Reply& head, std::string& out) override;
  void Text(std::string_view text, std::string& out) override;
  void Refusal(std::string_view text, std::string& out) override;
  void Thinking(std::string_view text, std::string& out) override;
  void Signature(std::string_view signature, std::string& out) override;
  void RedactedThinking(std::string_view data, std::string& out) override;
  void ToolCall(std::size_t tool, std::string_view id, std::string_view name,
                std::string& out) override;
  void ToolArguments(std::size_t tool, std::string_view piece, std::string& out) override;
  void EndBlock(std::string& out) override;
  void End(const Reply& end, std::string& out) override;
  void Abort(const CallError& error, std::string& out) override;

 private:
  void Chunk(std::string_view delta, std::string_view finish, std::string& out) const;
  void ThinkingDelta(std::string_view type, std::string_view key, std::string_view piece,
                     std::string& out);

  const bool include_usage_;
  std::string head_;  // Members that all chunks share.
  std::size_t thinking_block_ = 0;
  bool thinking_ = false;
};

/// `delta`: JSON text.
void ChatWriter::Chunk(std::string_view delta, std::string_view finish, std::string& out) const {
  constexpr std::size_t kAround = 128;
  std::string data;
  data.reserve(head_.size() + delta.size() + kAround);
  data.append(head_).append(R"(,"choices":[{"index":0,"delta":)").append(delta);
  data += R"(,"finish_reason":)";
  if (finish.empty()) {
    data += "null";
  } else {
    data.append("\"").append(finish).append("\"");
  }
  data += include_usage_ ? R"(}],"usage":null})" : "}]}";
  net::AppendSseEvent("", data, out);
}

void ChatWriter::Begin(const Reply& head, std::string& out) {
  JsonText json(head_);
  json.Object().Member("id", head.id).Member("object", "chat.completion.chunk");
  json.Key("created").Number(head.created).Member("model", head.model);
  Chunk(R"({"role":"assistant","content":""})", "", out);
}

void ChatWriter::Text(std::string_view text, std::string& out) {
  std::string delta;
  delta.reserve(text.size() + 32);
  JsonText(delta).Object().Member("content", text).EndObject();
  Chunk(delta, "", out);
}

void ChatWriter::Refusal(std::string_view text, std::string& out) {
  std::string delta;
  JsonText(delta).Object().Member("refusal", text).EndObject();
  Chunk(delta, "", out);
}

/// With an index and the type in the first piece only, as tool calls have it: SDKs put such lists
/// together by themselves.
void ChatWriter::ThinkingDelta(std::string_view type, std::string_view key, std::string_view piece,
                               std::string& out) {
  std::string delta;
  JsonText json(delta);
  json.Object().Key(kThinkingField).Array().Object();
  json.Key("index").Number(static_cast<std::int64_t>(thinking_block_));
  if (!thinking_) json.Member("type", type);
  json.Member(key, piece).EndObject().EndArray().EndObject();
  thinking_ = true;
  Chunk(delta, "", out);
}

void ChatWriter::Thinking(std::string_view text, std::string& out) {
  ThinkingDelta("thinking", "thinking", text, out);
}

void ChatWriter::Signature(std::string_view signature, std::string& out) {
  ThinkingDelta("thinking", "signature", signature, out);
}

void ChatWriter::RedactedThinking(std::string_view data, std::string& out) {
  ThinkingDelta("redacted_thinking", "data", data, out);
}

void ChatWriter::ToolCall(std::size_t tool, std::string_view id, std::string_view name,
                          std::string& out) {
  std::string delta;
  JsonText json(delta);
  json.Object().Key("tool_calls").Array().Object();
  json.Key("index").Number(static_cast<std::int64_t>(tool)).Member("id", id);
  json.Member("type", "function").Key("function").Object().Member("name", name);
  json.Member("arguments", "").EndObject().EndObject().EndArray().EndObject();
  Chunk(delta, "", out);
}

void ChatWriter::ToolArguments(std::size_t tool, std::string_view piece, std::string& out) {
  std::string delta;
  JsonText json(delta);
  json.Object().Key("tool_calls").Array().Object();
  json.Key("index").Number(static_cast<std::int64_t>(tool)).Key("function").Object();
  json.Member("arguments", piece).EndObject().EndObject().EndArray().EndObject();
  Chunk(delta, "", out);
}

void ChatWriter::EndBlock(std::string& out) {
  (void)out;
  if (thinking_) ++thinking_block_;
  thinking_ = false;
}

void ChatWriter::End(const Reply& end, std::string& out) {
  Chunk("{}", NameOf(end.finish), out);
  if (include_usage_) {
    std::string data = head_ + R"(,"choices":[],"usage":)";
    AppendChatUsage(end.usage, data);
    data += '}';
    net::AppendSseEvent("", data, out);
  }
  net::AppendSseEvent("", "[DONE]", out);
}

void ChatWriter::Abort(const CallError& error, std::string& out) {
  AppendErrorFrame(Surface::kChat, error, 0, out);
}

}  // namespace

std::unique_ptr<ReplyWriter> MakeChatWriter(const AnswerTerms& terms) {
  return std::make_unique<ChatWriter>(terms.include_usage);
}

}  // namespace podium::gateway::llm
