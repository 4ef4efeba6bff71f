#include "app/demo_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "app/demo_seed.h"

namespace podium::app {
namespace {

constexpr std::chrono::milliseconds kFirstRetry{20};

std::int64_t RevisionOf(const std::string& route, const RegistryPicture& picture) {
  for (const RegistryRoute& table : picture.routes) {
    if (table.route == route) return table.revision;
  }
  return 0;
}

}  // namespace

DemoSession::DemoSession(DemoSessionOptions options, std::vector<DemoRoute> routes,
                         const Clock& clock, Rng& rng, Executor executor)
    : options_(std::move(options)),
      routes_(std::move(routes)),
      clock_(clock),
      client_(executor, options_.server),
      callers_(client_, routes_, clock, rng, executor),
      chat_callers_(client_, options_.token, clock, executor),
      watch_(client_, routes_, options_.token),
      loops_(std::move(executor)),
      tables_(routes_.size(), 0) {}

void DemoSession::Stop() {
  stopping_ = true;
  loops_.Cancel();
}

Task<Status> DemoSession::Run() {
  auto begin = Begin();
  const Status begun = co_await std::move(begin);
  if (!begun) {
    client_.Close();
    co_return Fail(begun.error());
  }
  above_ = BannerLines(options_.banner);
  screen_.Print(above_);
  if (!stopping_) {
    loops_.Spawn(callers_.Run(options_.banner.rate));
    loops_.Spawn(chat_callers_.Run(std::min(DemoChatCallers::kRate, options_.banner.rate)));
    loops_.Spawn(Show());
    if (!options_.banner.reopened) loops_.Spawn(LeadIn());
    loops_.Spawn(UntilStopped());
    auto join = loops_.Join();
    co_await std::move(join);
    auto leave = chat_callers_.Leave();
    co_await std::move(leave);
    auto settle = callers_.Settle();
    co_await std::move(settle);
    auto look = watch_.Look();  // Stopping may have cut the last one short.
    co_await std::move(look);
  }
  if (screen_.live()) Draw();
  screen_.Print(SummaryLines(Frame(), options_.banner));
  client_.Close();
  co_return Status();
}

Task<Status> DemoSession::Begin() {
  auto seeding = SeedDemo(client_, routes_, options_.token);
  const Result<bool> reopened = co_await std::move(seeding);
  if (!reopened) co_return Fail(reopened.error());
  options_.banner.reopened = *reopened;
  auto answer = FirstAnswer();
  const Status answered = co_await std::move(answer);
  if (!answered) co_return Fail(answered.error());
  begun_ = clock_.SteadyNow();
  options_.banner.first_after =
      std::chrono::duration_cast<std::chrono::milliseconds>(begun_ - options_.started);
  auto seeding_chat = SeedDemoChat(client_, options_.token);
  const Result<bool> chat = co_await std::move(seeding_chat);
  if (!chat) co_return Fail(chat.error());
  options_.banner.live = screen_.live();
  auto look = watch_.Look();
  co_await std::move(look);
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    tables_[i] = RevisionOf(routes_[i].route, watch_.picture());
  }
  co_return Status();
}

// A registry that was there before may still be loading its models: that is no failure yet.
Task<Status> DemoSession::FirstAnswer() {
  const SteadyTime deadline = clock_.SteadyNow() + kFirstAnswerIn;
  for (;;) {
    auto call = callers_.CallOnce();
    if (co_await std::move(call) || stopping_) co_return Status();
    if (clock_.SteadyNow() >= deadline) {
      co_return Fail(ErrorCode::kUnavailable, "no answer to the first request: {}",
                     callers_.last_error());
    }
    auto pause = Pause(kFirstRetry);
    co_await std::move(pause);
  }
}

Task<void> DemoSession::UntilStopped() {
  if (!options_.banner.duration) co_return;
  auto pause = Pause(*options_.banner.duration);
  if (co_await std::move(pause)) Stop();
}

const DemoRoute* DemoSession::RouteToLeadIn() const {
  const auto found = std::find_if(routes_.begin(), routes_.end(),
                                  [](const DemoRoute& route) { return route.has_rollout(); });
  return found == routes_.end() ? nullptr : &*found;
}

// The primary serves alone for a moment, so that its latencies are known when the rollout begins.
Task<void> DemoSession::LeadIn() {
  const DemoRoute* route = RouteToLeadIn();
  if (route == nullptr) co_return;
  auto wait = Pause(kRolloutAfter);
  if (!co_await std::move(wait)) co_return;
  while (callers_.stats().requests() < kRolloutRequests) {
    auto more = Pause(kRefresh);
    if (!co_await std::move(more)) co_return;
  }
  auto starting = StartDemoRollout(client_, *route, options_.candidate, options_.token);
  const Status started = co_await std::move(starting);
  if (!started && !stopping_) {
    rollout_trouble_ = fmt::format("the rollout did not start: {}", started.error().message);
  }
}

// Without a terminal: each step and the end at once, with their sentences.
void DemoSession::TellRollout() {
  if (!watch_.rollout()) return;
  std::string headline = RolloutHeadline(*watch_.rollout());
  if (headline == told_) return;
  told_ = std::move(headline);
  const auto elapsed =
      std::chrono::duration_cast<std::chrono::seconds>(clock_.SteadyNow() - begun_);
  screen_.Print({RolloutLine(*watch_.rollout(), std::string(kDemoRolloutRoute), elapsed)});
}

Task<void> DemoSession::Show() {
  SteadyTime next = begun_;
  SteadyTime next_line = begun_ + kLineEach;
  for (;;) {
    auto look = watch_.Look();
    co_await std::move(look);
    if (stopping_) co_return;
    chat_rate_.Note(clock_.SteadyNow(), watch_.chat().calls);
    for (std::size_t i = 0; i < routes_.size(); ++i) {
      const std::int64_t revision = RevisionOf(routes_[i].route, watch_.picture());
      if (std::exchange(tables_[i], revision) != revision) callers_.stats().RestartWindow(i);
    }
    if (screen_.live()) {
      Draw();
    } else {
      TellRollout();
      if (clock_.SteadyNow() >= next_line) {
        PrintLines();
        next_line += kLineEach;
      }
    }
    if (screen_.closed()) Stop();
    next = std::max(next + kRefresh, clock_.SteadyNow());
    auto pause = Pause(next - clock_.SteadyNow());
    if (!co_await std::move(pause)) co_return;
  }
}

void DemoSession::Draw() {
  const DemoCanvas canvas = screen_.canvas();
  screen_.Draw(ViewLines(Frame(), canvas), canvas, above_);
}

void DemoSession::PrintLines() {
  const DemoFrame frame = Frame();
  std::vector<std::string> lines;
  for (const FrameRoute& route : frame.routes) lines.push_back(RouteLine(route, frame.elapsed));
  lines.push_back(ChatLine(frame.chat, frame.elapsed));
  screen_.Print(lines);
}

DemoFrame DemoSession::Frame() {
  const SteadyTime now = clock_.SteadyNow();
  DemoFrame frame;
  frame.url = options_.banner.url;
  frame.elapsed = std::chrono::duration_cast<std::chrono::seconds>(now - begun_);
  frame.rate = options_.banner.rate;
  frame.requests = callers_.stats().requests();
  frame.errors = callers_.stats().errors();
  frame.skipped = callers_.skipped();
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    frame.routes.push_back(
        MakeFrameRoute(routes_[i].route, watch_.picture(), callers_.stats().Read(i, now)));
  }
  frame.chat = Chat();
  frame.rollout = watch_.rollout();
  frame.changes = ShownChanges(watch_.picture());
  frame.troubles = TroublesOf(watch_.picture());
  for (const std::string& trouble : {rollout_trouble_, watch_.trouble(), callers_.RecentError(now),
                                     chat_callers_.RecentError(now)}) {
    if (!trouble.empty()) frame.troubles.push_back(trouble);
  }
  return frame;
}

FrameChat DemoSession::Chat() const {
  FrameChat chat;
  chat.rate = chat_rate_.PerSecond();
  chat.figures = watch_.chat();
  chat.first_token = chat_callers_.first_token().Quantile(0.50);
  chat.cost_usd = watch_.cost_usd();
  chat.providers = ProvidersOf(watch_.picture().versions, watch_.picture().routes, chat.figures);
  return chat;
}

}  // namespace podium::app
