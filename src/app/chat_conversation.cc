#include "app/chat_conversation.h"

#include "base/assert.h"
#include "base/utf8.h"

namespace podium::app {
namespace {

bool IsText(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t length = Utf8Length(bytes);
    if (length == 0) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

}  // namespace

std::size_t ChatConversation::Bytes() const {
  std::size_t bytes = system_.size();
  for (const Turn& turn : turns_) bytes += turn.text.size();
  return bytes;
}

Status ChatConversation::Ask(std::string question) {
  if (question.find_first_not_of(" \t\r\n") == std::string::npos) {
    return Fail(ErrorCode::kInvalidArgument, "the question is empty");
  }
  if (!IsText(question)) return Fail(ErrorCode::kInvalidArgument, "the question is not UTF-8 text");
  if (Bytes() + question.size() > kMaxConversationBytes) {
    return Fail(ErrorCode::kTooLarge, "the conversation is larger than {} bytes",
                kMaxConversationBytes);
  }
  turns_.push_back({true, std::move(question)});
  return {};
}

void ChatConversation::Answered(std::string text) {
  PODIUM_ASSERT(!turns_.empty() && turns_.back().is_question);
  turns_.push_back({false, std::move(text)});
}

void ChatConversation::Withdraw() {
  PODIUM_ASSERT(!turns_.empty() && turns_.back().is_question);
  turns_.pop_back();
}

Json ChatConversation::Messages() const {
  Json messages = Json::array();
  if (!system_.empty()) messages.push_back({{"role", "system"}, {"content", system_}});
  for (const Turn& turn : turns_) {
    messages.push_back({{"role", turn.is_question ? "user" : "assistant"}, {"content", turn.text}});
  }
  return messages;
}

Json ChatBody(const ChatConversation& conversation, const ChatTerms& terms) {
  Json body = {{"model", terms.route}, {"messages", conversation.Messages()}};
  if (terms.max_tokens) body["max_completion_tokens"] = *terms.max_tokens;
  if (terms.temperature) body["temperature"] = *terms.temperature;
  if (terms.stream) {
    body["stream"] = true;
    body["stream_options"] = {{"include_usage", true}};
  }
  return body;
}

}  // namespace podium::app
