#include "app/demo_callers.h"

#include <fmt/format.h>

#include <utility>

#include "app/demo_registry.h"
#include "net/target.h"

namespace podium::app {
namespace {

std::vector<DemoStream> StreamsOf(const std::vector<DemoRoute>& routes) {
  std::vector<DemoStream> streams;
  for (const DemoRoute& route : routes) streams.push_back({route.rows.size(), route.weight});
  return streams;
}

}  // namespace

DemoCallers::DemoCallers(net::HttpClient& client, const std::vector<DemoRoute>& routes,
                         const Clock& clock, Rng& rng, Executor executor)
    : client_(client),
      routes_(routes),
      clock_(clock),
      traffic_(StreamsOf(routes), rng),
      stats_(routes.size()),
      under_way_(std::move(executor)) {}

Task<bool> DemoCallers::CallOnce() {
  auto exchange = Exchange(traffic_.Next());
  co_return co_await std::move(exchange);
}

Task<void> DemoCallers::Run(double rate) {
  const SteadyTime begin = clock_.SteadyNow();
  for (std::uint64_t due = 0;;) {
    const std::chrono::duration<double> offset(static_cast<double>(due) / rate);
    const SteadyTime at = begin + std::chrono::duration_cast<std::chrono::nanoseconds>(offset);
    const SteadyTime now = clock_.SteadyNow();
    if (at > now) {
      auto pause = Pause(at - now);
      if (!co_await std::move(pause)) co_return;
      continue;
    }
    ++due;
    if (under_way_.size() < kMaxUnderWay) {
      under_way_.Spawn(Call(traffic_.Next()));
    } else {
      ++skipped_;
    }
  }
}

Task<void> DemoCallers::Settle() {
  auto join = under_way_.Join();
  co_await std::move(join);
}

Task<void> DemoCallers::Call(DemoCall call) {
  auto exchange = Exchange(std::move(call));
  co_await std::move(exchange);
}

Task<bool> DemoCallers::Exchange(DemoCall call) {
  const DemoRoute& route = routes_[call.route];
  net::ClientRequest request;
  request.method = net::HttpMethod::kPost;
  request.target = fmt::format("/predict/{}", net::PercentEncode(route.route));
  request.headers.emplace_back("X-Session-Id", call.session);
  request.body = RowBody(route.rows[call.row]);
  request.timeout = kCallTimeout;
  const SteadyTime sent = clock_.SteadyNow();
  auto sending = client_.Send(std::move(request));
  const Result<net::ClientResponse> answer = co_await std::move(sending);
  co_return Account(call, answer, sent);
}

bool DemoCallers::Account(const DemoCall& call, const Result<net::ClientResponse>& answer,
                          SteadyTime sent) {
  DemoOutcome outcome;
  outcome.route = call.route;
  outcome.at = clock_.SteadyNow();
  outcome.latency = outcome.at - sent;
  outcome.ok = answer && answer->status == 200;
  if (answer) outcome.model_id = answer->Find("x-podium-model").value_or("");
  if (outcome.ok) {
    outcome.right = IsRight(answer->body, routes_[call.route].labels[call.row]);
  } else {
    last_error_ =
        fmt::format("{}: {}", routes_[call.route].route,
                    answer ? ShowProblem(answer->status, answer->body) : answer.error().message);
    last_error_at_ = outcome.at;
  }
  stats_.Record(outcome);
  return outcome.ok;
}

std::string DemoCallers::RecentError(SteadyTime now) const {
  return now - last_error_at_ < kErrorShownFor ? last_error_ : std::string();
}

}  // namespace podium::app
