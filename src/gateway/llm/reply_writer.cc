#include "gateway/llm/reply_writer.h"

#include "base/assert.h"

namespace podium::gateway::llm {

std::unique_ptr<ReplyWriter> MakeReplyWriter(const AnswerTerms& terms) {
  if (terms.surface == Surface::kMessages) return MakeMessagesWriter();
  if (terms.surface == Surface::kResponses) return MakeResponsesWriter(terms);
  PODIUM_ASSERT(terms.surface == Surface::kChat);
  return MakeChatWriter(terms);
}

void AppendReply(const AnswerTerms& terms, const Reply& reply, std::string& out) {
  if (terms.surface == Surface::kMessages) return AppendMessagesReply(reply, out);
  if (terms.surface == Surface::kResponses) return AppendResponsesReply(terms, reply, out);
  PODIUM_ASSERT(terms.surface == Surface::kChat);
  AppendChatReply(reply, out);
}

}  // namespace podium::gateway::llm
