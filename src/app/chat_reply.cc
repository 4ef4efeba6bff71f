#include "app/chat_reply.h"

#include <algorithm>

#include "app/cli_api.h"

namespace podium::app {
namespace {

std::int64_t TokensOf(const Json& object, const char* key) {
  const Json& value = MemberOf(object, key);
  return value.is_number_integer() ? std::max<std::int64_t>(value.get<std::int64_t>(), 0) : 0;
}

// OpenAI counts cached and spoken tokens within the prompt, and reasoning within the completion.
TokenUsage UsageOf(const Json& usage) {
  const Json& in = MemberOf(usage, "prompt_tokens_details");
  const Json& out = MemberOf(usage, "completion_tokens_details");
  const std::int64_t prompt = TokensOf(usage, "prompt_tokens");
  const std::int64_t completion = TokensOf(usage, "completion_tokens");
  TokenUsage classes;
  classes.cache_read = std::min(TokensOf(in, "cached_tokens"), prompt);
  classes.audio_input = std::min(TokensOf(in, "audio_tokens"), prompt - classes.cache_read);
  classes.uncached_input = prompt - classes.cache_read - classes.audio_input;
  classes.output_reasoning = std::min(TokensOf(out, "reasoning_tokens"), completion);
  classes.output_text = completion - classes.output_reasoning;
  return classes;
}

void TakeUsage(const Json& body, ChatReply& reply) {
  const Json& usage = MemberOf(body, "usage");
  if (usage.is_object()) reply.usage = UsageOf(usage);
}

// The first choice; `key` is where its words are.
const Json& FirstChoice(const Json& body) {
  static const Json kNone;
  const Json& choices = MemberOf(body, "choices");
  return choices.is_array() && !choices.empty() ? choices.front() : kNone;
}

void TakeChoice(const Json& body, const char* key, ChatReply& reply, std::string& fresh) {
  const Json& choice = FirstChoice(body);
  const Json& words = MemberOf(choice, key);
  const std::string said = TextOf(words, "content") + TextOf(words, "refusal");
  reply.text += said;
  fresh += said;
  if (std::string finish = TextOf(choice, "finish_reason"); !finish.empty()) {
    reply.finish = std::move(finish);
  }
  if (std::string model = TextOf(body, "model"); !model.empty()) reply.model = std::move(model);
}

}  // namespace

std::string ErrorMessageOf(const Json& body) { return TextOf(MemberOf(body, "error"), "message"); }

Status ChatStreamReader::Feed(std::string_view piece, std::string& fresh) {
  if (!failed_) parser_.Feed(piece);
  while (!failed_) {
    const Result<std::optional<net::SseEvent>> event = parser_.Next();
    if (event && !*event) return {};
    Status taken = event ? Take((*event)->data, fresh) : Status(tl::unexpect, event.error());
    if (!taken) failed_ = std::move(taken).error();
  }
  return Fail(*failed_);
}

Status ChatStreamReader::Take(std::string_view data, std::string& fresh) {
  if (done_) return {};
  if (data == "[DONE]") {
    done_ = true;
    return {};
  }
  const Result<Json> chunk = ParseJson(data);
  if (!chunk || !chunk->is_object()) {
    return Fail(ErrorCode::kInternal, "a part of the stream is no JSON object");
  }
  if (chunk->contains("error")) {
    const std::string message = ErrorMessageOf(*chunk);
    return Fail(ErrorCode::kUnavailable, "{}", message.empty() ? DumpJson(*chunk) : message);
  }
  TakeChoice(*chunk, "delta", reply_, fresh);
  TakeUsage(*chunk, reply_);
  return {};
}

Status ChatStreamReader::End() {
  if (failed_) return Fail(*failed_);
  if (done_) return {};
  return Fail(ErrorCode::kUnavailable, "the stream ended before the answer did");
}

Result<ChatReply> ReadWholeReply(const Json& body) {
  if (!MemberOf(FirstChoice(body), "message").is_object()) {
    return Fail(ErrorCode::kInternal, "the answer holds no message");
  }
  ChatReply reply;
  std::string fresh;
  TakeChoice(body, "message", reply, fresh);
  TakeUsage(body, reply);
  return reply;
}

}  // namespace podium::app
