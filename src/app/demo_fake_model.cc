#include "app/demo_fake_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "app/cli_api.h"
#include "base/utf8.h"
#include "net/sse_parser.h"

namespace podium::app {
namespace {

constexpr std::chrono::milliseconds kQuick{40};
constexpr std::chrono::milliseconds kLate{1'200};
constexpr std::chrono::milliseconds kBetween{25};
constexpr std::chrono::milliseconds kRetryAfter{200};
constexpr std::size_t kQuotedBytes = 80;  // Of a question.

/// What of a request the fakes look at.
struct Question {
  std::string model;
  std::string text;  ///< What the user said last.
  std::int64_t tokens = 0;
  std::optional<std::int64_t> max_tokens;
  bool stream = false;
  bool with_usage = false;
};

struct Answer {
  std::vector<std::string> tokens;  ///< Their texts put together are the answer's.
  std::string finish = "stop";
};

// As if every word were a token: near enough for a price.
std::vector<std::string> WordsOf(std::string_view text) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t space = text.find(' ', at);
    const std::size_t end = space == std::string_view::npos ? text.size() : space + 1;
    words.emplace_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

// A text, or the texts among the parts of a message.
std::string ContentOf(const Json& message) {
  const Json& content = MemberOf(message, "content");
  if (content.is_string()) return content.get<std::string>();
  std::string text;
  if (content.is_array()) {
    for (const Json& part : content) text += TextOf(part, "text");
  }
  return text;
}

std::optional<std::int64_t> LimitOf(const Json& body) {
  for (const char* key : {"max_completion_tokens", "max_tokens"}) {
    const Json& limit = MemberOf(body, key);
    if (limit.is_number_integer()) return std::max<std::int64_t>(limit.get<std::int64_t>(), 1);
  }
  return std::nullopt;
}

std::optional<Question> ReadQuestion(std::string_view text) {
  const Result<Json> body = ParseJson(text);
  if (!body || !MemberOf(*body, "messages").is_array()) return std::nullopt;
  Question question;
  question.model = TextOf(*body, "model");
  for (const Json& message : MemberOf(*body, "messages")) {
    const std::string said = ContentOf(message);
    question.tokens += static_cast<std::int64_t>(WordsOf(said).size());
    if (TextOf(message, "role") == "user") question.text = said;
  }
  question.max_tokens = LimitOf(*body);
  question.stream = MemberOf(*body, "stream") == Json(true);
  question.with_usage = MemberOf(MemberOf(*body, "stream_options"), "include_usage") == Json(true);
  return question;
}

Answer AnswerTo(const FakeCall& call, const Question& question) {
  Answer answer;
  answer.tokens = WordsOf(fmt::format(
      "I am {}, a fake provider inside the demo: no model has read your question. You said: "
      "\"{}\". What you see is real all the same: the route, the stream, the tokens, the price, "
      "and "
      "who answers when I cannot.",
      call.provider, Shortened(question.text, kQuotedBytes)));
  if (question.max_tokens && *question.max_tokens < std::ssize(answer.tokens)) {
    answer.tokens.resize(static_cast<std::size_t>(*question.max_tokens));
    answer.finish = "length";
  }
  return answer;
}

Json UsageOf(const Question& question, const Answer& answer) {
  const std::int64_t out = std::ssize(answer.tokens);
  return {{"prompt_tokens", question.tokens},
          {"completion_tokens", out},
          {"total_tokens", question.tokens + out}};
}

Json Head(const FakeCall& call, const Question& question, const char* object) {
  return {{"id", fmt::format("chatcmpl-{}-{}", call.provider, call.number)},
          {"object", object},
          {"created", call.unix_seconds},
          {"model", question.model}};
}

std::string WholeBody(const FakeCall& call, const Question& question, const Answer& answer) {
  std::string text;
  for (const std::string& token : answer.tokens) text += token;
  Json body = Head(call, question, "chat.completion");
  body["choices"] =
      Json::array({{{"index", 0},
                    {"message", {{"role", "assistant"}, {"content", text}, {"refusal", nullptr}}},
                    {"logprobs", nullptr},
                    {"finish_reason", answer.finish}}});
  body["usage"] = UsageOf(question, answer);
  return DumpJson(body);
}

std::vector<std::string> Frames(const FakeCall& call, const Question& question,
                                const Answer& answer) {
  std::vector<std::string> frames;
  const auto add = [&](const Json& choices, const Json& usage) {
    Json chunk = Head(call, question, "chat.completion.chunk");
    chunk["choices"] = choices;
    if (question.with_usage) chunk["usage"] = usage;
    net::AppendSseEvent("", DumpJson(chunk), frames.emplace_back());
  };
  const auto choice = [](const Json& delta, const Json& finish) {
    return Json::array({{{"index", 0}, {"delta", delta}, {"finish_reason", finish}}});
  };
  add(choice({{"role", "assistant"}, {"content", ""}}, nullptr), nullptr);
  for (const std::string& token : answer.tokens)
    add(choice({{"content", token}}, nullptr), nullptr);
  add(choice(Json::object(), answer.finish), nullptr);
  if (question.with_usage) add(Json::array(), UsageOf(question, answer));
  net::AppendSseEvent("", "[DONE]", frames.emplace_back());
  return frames;
}

FakeReply Refusal(int status, const char* type, std::string message) {
  FakeReply reply;
  reply.status = status;
  reply.body = DumpJson(
      {{"error",
        {{"message", std::move(message)}, {"type", type}, {"param", nullptr}, {"code", nullptr}}}});
  return reply;
}

}  // namespace

FakeMood MoodOf(FakeCharacter character, std::uint64_t call, std::chrono::nanoseconds since_start) {
  if (character == FakeCharacter::kSteady) return FakeMood::kWell;
  if (since_start >= kFirstSpell && (since_start - kFirstSpell) % kSpellEvery < kSpellLength) {
    return FakeMood::kOverloaded;
  }
  if (call % 7 == 3) return FakeMood::kOverloaded;
  if (call % 11 == 5) return FakeMood::kRateLimited;
  return call % 13 == 8 ? FakeMood::kSlow : FakeMood::kWell;
}

FakeReply ReplyTo(const FakeCall& call, std::string_view body) {
  const std::optional<Question> question = ReadQuestion(body);
  if (!question) {
    return Refusal(400, "invalid_request_error",
                   fmt::format("{} takes a JSON object with a list of messages", call.provider));
  }
  if (call.mood == FakeMood::kOverloaded) {
    return Refusal(503, "server_error", fmt::format("{} is in a bad mood", call.provider));
  }
  if (call.mood == FakeMood::kRateLimited) {
    FakeReply reply =
        Refusal(429, "rate_limit_error", fmt::format("{} wants a rest", call.provider));
    reply.retry_after = kRetryAfter;
    return reply;
  }
  const Answer answer = AnswerTo(call, *question);
  FakeReply reply;
  reply.before = call.mood == FakeMood::kSlow ? kLate : kQuick;
  reply.between = kBetween;
  if (question->stream) {
    reply.frames = Frames(call, *question, answer);
  } else {
    reply.body = WholeBody(call, *question, answer);
  }
  return reply;
}

}  // namespace podium::app
