// An answer in a caller's wire format: whole, or piece by piece as it comes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/llm/conversation.h"
#include "gateway/llm/provider.h"

namespace podium::gateway::llm {

/// A stream in the caller's format, told as what happens and not as frames. Tool calls are numbered
/// 0, 1, … in the order in which they begin; their arguments may come interleaved.
class ReplyWriter {
 public:
  virtual ~ReplyWriter() = default;
  virtual void Begin(const Reply& head, std::string& out) = 0;  ///< Id, model, created.
  virtual void Text(std::string_view text, std::string& out) = 0;
  virtual void Refusal(std::string_view text, std::string& out) = 0;
  virtual void Thinking(std::string_view text, std::string& out) = 0;
  virtual void Signature(std::string_view signature, std::string& out) = 0;  ///< Of the thinking.
  virtual void RedactedThinking(std::string_view data, std::string& out) = 0;
  virtual void ToolCall(std::size_t tool, std::string_view id, std::string_view name,
                        std::string& out) = 0;
  virtual void ToolArguments(std::size_t tool, std::string_view piece, std::string& out) = 0;
  /// The block that is open is whole: what comes next is a new one, also of the same kind.
  virtual void EndBlock(std::string& out) = 0;
  /// Finish reason, stop sequence and usage; then the clean end.
  virtual void End(const Reply& end, std::string& out) = 0;
  virtual void Abort(const CallError& error, std::string& out) = 0;
  /// Past a named limit: the stream has to be aborted.
  virtual bool full() const { return false; }
};

/// REQUIRES: terms.surface is not kEmbeddings.
std::unique_ptr<ReplyWriter> MakeReplyWriter(const AnswerTerms& terms);
void AppendReply(const AnswerTerms& terms, const Reply& reply, std::string& out);

std::unique_ptr<ReplyWriter> MakeChatWriter(const AnswerTerms& terms);
std::unique_ptr<ReplyWriter> MakeResponsesWriter(const AnswerTerms& terms);
std::unique_ptr<ReplyWriter> MakeMessagesWriter();
void AppendChatReply(const Reply& reply, std::string& out);
void AppendResponsesReply(const AnswerTerms& terms, const Reply& reply, std::string& out);
void AppendMessagesReply(const Reply& reply, std::string& out);

}  // namespace podium::gateway::llm
