#include "app/demo_providers.h"

#include <fmt/format.h>

#include <utility>

#include "base/limits.h"

namespace podium::app {
namespace {

/// The frames of one reply, at its pace.
class FakeStream final : public net::BodyStream {
 public:
  explicit FakeStream(FakeReply reply) : reply_(std::move(reply)) {}

  Task<Result<std::string_view>> Next() override {
    if (next_ == reply_.frames.size()) co_return std::string_view();
    if (next_ > 0) {
      auto pause = Pause(reply_.between);
      if (!co_await std::move(pause) || left_) {
        co_return Fail(ErrorCode::kUnavailable, "the caller has left");
      }
    }
    co_return std::string_view(reply_.frames[next_++]);
  }
  void Cancel() override { left_ = true; }  // A pause is a few milliseconds: it may end by itself.

 private:
  const FakeReply reply_;
  std::size_t next_ = 0;
  bool left_ = false;
};

net::Response ResponseOf(FakeReply reply) {
  net::Response response;
  response.status = reply.status;
  if (reply.retry_after.count() > 0) {
    response.headers.Add("retry-after-ms", reply.retry_after.count());
  }
  if (reply.frames.empty()) {
    response.body = std::move(reply.body);
  } else {
    response.content_type = "text/event-stream";
    response.stream = std::make_unique<FakeStream>(std::move(reply));
  }
  return response;
}

void AddProvider(const char* name, std::uint16_t port, Settings& settings) {
  ProviderSettings provider;
  provider.kind = gateway::ProviderKind::kOpenAi;
  provider.base_url = BaseUrl{false, "127.0.0.1", port, "/v1"};
  provider.allow_private = true;  // It is in this process.
  provider.native_responses = false;
  settings.providers[name] = std::move(provider);
}

}  // namespace

FakeProvider::FakeProvider(std::string name, FakeCharacter character, const Clock& clock)
    : name_(std::move(name)), character_(character), clock_(clock), started_(clock.SteadyNow()) {}

Task<net::Response> FakeProvider::Handle(net::Exchange& exchange) {
  if (exchange.head().path != "/v1/chat/completions") {
    co_return net::ProtocolProblem(404, fmt::format("{} answers chat completions only", name_));
  }
  auto reading = exchange.ReadBody(limits::kMaxAdminBodyBytes);
  const Result<std::string_view> body = co_await std::move(reading);
  if (!body) co_return net::ProblemResponse(body.error());
  FakeCall call;
  call.provider = name_;
  call.number = ++calls_;
  call.unix_seconds =
      std::chrono::floor<std::chrono::seconds>(clock_.Now()).time_since_epoch().count();
  call.mood = MoodOf(character_, call.number, clock_.SteadyNow() - started_);
  FakeReply reply = ReplyTo(call, *body);
  auto pause = Pause(reply.before);
  co_await std::move(pause);
  co_return ResponseOf(std::move(reply));
}

DemoProviders::DemoProviders(const Clock& clock)
    : core_(1),
      moody_(kMoodyProvider, FakeCharacter::kMoody, clock),
      steady_(kSteadyProvider, FakeCharacter::kSteady, clock) {}

Result<std::unique_ptr<DemoProviders>> DemoProviders::Start(const Clock& clock) {
  auto made = std::unique_ptr<DemoProviders>(new DemoProviders(clock));
  const net::HostPort free{"127.0.0.1", 0};
  PODIUM_TRY_ASSIGN(made->moody_listener_,
                    net::ServerGroup::Start(made->core_, free, made->moody_, clock));
  PODIUM_TRY_ASSIGN(made->steady_listener_,
                    net::ServerGroup::Start(made->core_, free, made->steady_, clock));
  return made;
}

void DemoProviders::AddTo(Settings& settings) const {
  AddProvider(kMoodyProvider, moody_listener_->port(), settings);
  AddProvider(kSteadyProvider, steady_listener_->port(), settings);
}

}  // namespace podium::app
