#include "app/demo_chat_callers.h"

#include <fmt/format.h>

#include <array>
#include <string_view>
#include <utility>

#include "app/chat_conversation.h"
#include "app/chat_reply.h"
#include "app/demo_registry.h"
#include "app/demo_seed.h"

namespace podium::app {
namespace {

constexpr std::array<std::string_view, 4> kQuestions = {
    "Who are you?", "What is a canary release?", "How do I roll back?",
    "Which version answers when a provider fails?"};
constexpr std::uint64_t kSessions = 16;

}  // namespace

DemoChatCallers::DemoChatCallers(net::HttpClient& client, const Secret& token, const Clock& clock,
                                 Executor executor)
    : client_(client), token_(token), clock_(clock), under_way_(std::move(executor)) {}

Task<void> DemoChatCallers::Run(double rate) {
  const SteadyTime begin = clock_.SteadyNow();
  for (std::uint64_t due = 0;; ++due) {
    const std::chrono::duration<double> offset(static_cast<double>(due) / rate);
    const SteadyTime at = begin + std::chrono::duration_cast<std::chrono::nanoseconds>(offset);
    auto pause = Pause(at - clock_.SteadyNow());
    if (!co_await std::move(pause)) co_return;
    if (under_way_.size() < kMaxUnderWay) under_way_.Spawn(Call(due));
  }
}

Task<void> DemoChatCallers::Leave() {
  leaving_ = true;
  under_way_.Cancel();
  auto join = under_way_.Join();
  co_await std::move(join);
}

net::ClientRequest DemoChatCallers::Request(std::uint64_t number) const {
  ChatConversation conversation("");
  (void)conversation.Ask(std::string(kQuestions[number % kQuestions.size()]));
  net::ClientRequest request =
      ApiRequest(net::HttpMethod::kPost, "/v1/chat/completions",
                 DumpJson(ChatBody(conversation, {kDemoChatRoute, {}, {}, true})), token_);
  request.headers.emplace_back("X-Session-Id", fmt::format("demo-chat-{}", number % kSessions));
  request.timeout = kCallTimeout;
  return request;
}

Task<void> DemoChatCallers::Call(std::uint64_t number) {
  ChatStreamReader reader;
  const SteadyTime sent = clock_.SteadyNow();
  net::ClientRequest request = Request(number);
  request.sink = [&](const net::ClientResponse&, std::string_view piece) {
    std::string fresh;
    const bool is_first = reader.reply().text.empty();
    (void)reader.Feed(piece, fresh);  // End says it again.
    if (is_first && !fresh.empty()) first_token_.Record(clock_.SteadyNow() - sent);
  };
  auto sending = client_.Send(std::move(request));
  const Result<net::ClientResponse> answer = co_await std::move(sending);
  if (leaving_) co_return;
  std::string error;
  if (!answer) {
    error = answer.error().message;
  } else if (answer->status != 200) {
    error = ShowProblem(answer->status, answer->body);
  } else if (const Status end = reader.End(); !end) {
    error = end.error().message;
  }
  if (error.empty()) co_return;
  last_error_ = fmt::format("{}: {}", kDemoChatRoute, error);
  last_error_at_ = clock_.SteadyNow();
}

std::string DemoChatCallers::RecentError(SteadyTime now) const {
  return now - last_error_at_ < kErrorShownFor ? last_error_ : std::string();
}

}  // namespace podium::app
