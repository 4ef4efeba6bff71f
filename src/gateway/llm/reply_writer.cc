#include "gateway/llm/reply_writer.h"

namespace podium::gateway::llm {

// Nothing translates embeddings. Should one come here all the same, a caller gets frames that make
// no sense to him: a request must not be able to end the server.

std::unique_ptr<ReplyWriter> MakeReplyWriter(const AnswerTerms& terms) {
  switch (terms.surface) {
    case Surface::kMessages:
      return MakeMessagesWriter();
    case Surface::kResponses:
      return MakeResponsesWriter(terms);
    case Surface::kChat:
    case Surface::kEmbeddings:
      break;
  }
  return MakeChatWriter(terms);
}

void AppendReply(const AnswerTerms& terms, const Reply& reply, std::string& out) {
  switch (terms.surface) {
    case Surface::kMessages:
      return AppendMessagesReply(reply, out);
    case Surface::kResponses:
      return AppendResponsesReply(terms, reply, out);
    case Surface::kChat:
    case Surface::kEmbeddings:
      return AppendChatReply(reply, out);
  }
}

}  // namespace podium::gateway::llm
