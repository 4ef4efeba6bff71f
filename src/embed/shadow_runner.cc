#include <podium/shadow_runner.h>

#include <string_view>
#include <utility>

#include "base/worker_pool.h"
#include "embed/convert.h"
#include "embed/foreign_call.h"
#include "embed/ports.h"
#include "embed/sampled_request.h"
#include "embed/shadow_state.h"

namespace podium::v1 {
namespace {

podium::Status CheckShadowField(bool holds, const char* field, std::string_view want) {
  if (holds) return {};
  return Fail(podium::Error{podium::ErrorCode::kInvalidArgument,
                            fmt::format("{} of a shadow runner is {}", field, want), field,
                            nullptr});
}

podium::Status CheckShadowOptions(const ShadowOptions& options) {
  // False for NaN.
  PODIUM_TRY(
      CheckShadowField(options.rate >= 0.0 && options.rate <= 1.0, "rate", "within 0 and 1"));
  PODIUM_TRY(CheckShadowField(options.threads >= 1 && options.threads <= ShadowRunner::kMaxThreads,
                              "threads", fmt::format("1 to {}", ShadowRunner::kMaxThreads)));
  PODIUM_TRY(
      CheckShadowField(options.max_pending >= 1 && options.max_pending <= ShadowRunner::kMaxPending,
                       "max_pending", fmt::format("1 to {}", ShadowRunner::kMaxPending)));
  const bool is_named = !options.candidate.name.empty() && !options.candidate.version.empty();
  return CheckShadowField(options.registry == nullptr || is_named, "candidate",
                          "a name and a version, where there is a registry");
}

/// A piece of work that an executor was given. Done, or dropped: whichever way it went, somebody
/// hears of it.
template <typename Do, typename Drop>
class OwedWork {
 public:
  OwedWork(Do work, Drop dropped) : do_(std::move(work)), drop_(std::move(dropped)) {}
  OwedWork(const OwedWork&) = delete;
  OwedWork& operator=(const OwedWork&) = delete;
  ~OwedWork() {
    if (!done_) drop_();
  }
  void Run() {
    done_ = true;
    do_();
  }

 private:
  const Do do_;
  const Drop drop_;
  bool done_ = false;
};

/// Ends the champion's side however its call is left.
class ChampionCall {
 public:
  explicit ChampionCall(SampledRequest& request) : request_(request) {}
  ChampionCall(const ChampionCall&) = delete;
  ChampionCall& operator=(const ChampionCall&) = delete;
  ~ChampionCall() {
    if (!ended_) static_cast<void>(request_.EndChampion(std::nullopt));
  }
  bool Answered(std::chrono::nanoseconds took) {
    ended_ = true;
    return request_.EndChampion(took);
  }

 private:
  SampledRequest& request_;
  bool ended_ = false;
};

}  // namespace

class ShadowRunner::Impl {
 public:
  explicit Impl(ShadowOptions options)
      : options_(std::move(options)),
        random_(options_.random),
        state_(std::make_shared<ShadowState>(options_)) {
    if (options_.clock == nullptr) options_.clock = SystemClock();
    if (options_.executor) return;
    // Of each pending request one piece of work at most is in the queue; and a registration.
    pool_ =
        std::make_unique<WorkerPool>("podium-shadow", options_.threads, options_.max_pending + 1);
    options_.executor = [pool = pool_.get()](std::function<void()> work) {
      static_cast<void>(pool->Submit(std::move(work)));
    };
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { state_->load.Close(); }  // Then the pool finds that nothing may begin.

  Result<ShadowMeeting> Run(const Half& champion, Half challenger, Report report) {
    state_->total_requests.fetch_add(1, std::memory_order_relaxed);
    if (!Sample()) return RunAlone(champion, {}, report);
    state_->sampled_requests.fetch_add(1, std::memory_order_relaxed);
    if (!state_->load.TakePlace()) {
      state_->shed_requests.fetch_add(1, std::memory_order_relaxed);
      const auto shed =
          Fail(podium::ErrorCode::kLimited, "{} challengers are pending already: this one was shed",
               options_.max_pending);
      return RunAlone(champion, {{}, true, Public(shed.value())}, report);
    }
    const bool waits = !report;
    const auto request =
        std::make_shared<SampledRequest>(state_, std::move(challenger), std::move(report));
    Post([request] { request->CallChallenger(); }, [request] { request->DropChallenger(); });
    OweRegistration();
    ChampionCall call(*request);
    const Result<std::chrono::nanoseconds> took = champion();
    if (!took) return tl::unexpected<Error>(took.error());
    if (call.Answered(*took)) {
      const auto tell = [request] { request->MakeReport(); };
      Post(tell, tell);
    }
    return waits ? request->AwaitChallenger() : ShadowMeeting{};
  }

  void Drain() { state_->load.AwaitNonePending(); }

  const ShadowState& state() const { return *state_; }
  const std::shared_ptr<const Clock>& clock() const { return options_.clock; }

 private:
  bool Sample() {
    // The upper 53 bits as a fraction in [0, 1): below 1 always, below 0 never.
    const double drawn = static_cast<double>(random_.Next64() >> 11) * 0x1p-53;
    return drawn < options_.rate && !state_->candidate.IsPrimary();
  }

  static Result<ShadowMeeting> RunAlone(const Half& champion, const ShadowMeeting& meeting,
                                        const Report& report) {
    const Result<std::chrono::nanoseconds> took = champion();
    if (!took) return tl::unexpected<Error>(took.error());
    if (report) static_cast<void>(CallForeign("the callback", [&] { report(meeting); }));
    return meeting;
  }

  template <typename Do, typename Drop>
  void Post(Do work, Drop dropped) {
    auto owed = std::make_shared<OwedWork<Do, Drop>>(std::move(work), std::move(dropped));
    // What it throws drops the work, and the work says so itself.
    static_cast<void>(CallForeign(
        "the executor", [&] { options_.executor([owed = std::move(owed)] { owed->Run(); }); }));
  }

  void OweRegistration() {
    if (!state_->candidate.ClaimTry(options_.clock->SteadyNow())) return;
    const auto drop = [state = state_] {
      state->candidate.Abandon("the executor dropped the work");
    };
    Post(
        [state = state_, drop] {
          if (!state->load.Begin()) return drop();
          state->candidate.Register();
          state->load.End();
        },
        drop);
  }

  ShadowOptions options_;  // Does not change after the constructor.
  UserRng random_;
  const std::shared_ptr<ShadowState> state_;
  std::unique_ptr<WorkerPool> pool_;  // Without an executor.
};

Result<ShadowRunner> ShadowRunner::Create(ShadowOptions options) {
  if (const podium::Status checked = CheckShadowOptions(options); !checked) {
    return Refuse(checked.error());
  }
  return ShadowRunner(std::make_unique<Impl>(std::move(options)));
}

ShadowRunner::ShadowRunner(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ShadowRunner::ShadowRunner(ShadowRunner&&) noexcept = default;
ShadowRunner& ShadowRunner::operator=(ShadowRunner&&) noexcept = default;
ShadowRunner::~ShadowRunner() = default;

Result<ShadowMeeting> ShadowRunner::Run(const Half& champion, Half challenger, Report report) {
  return impl_->Run(champion, std::move(challenger), std::move(report));
}

std::shared_ptr<const Clock> ShadowRunner::clock() const { return impl_->clock(); }
void ShadowRunner::Drain() { impl_->Drain(); }
std::uint64_t ShadowRunner::total_requests() const { return impl_->state().total_requests; }
std::uint64_t ShadowRunner::sampled_requests() const { return impl_->state().sampled_requests; }
std::uint64_t ShadowRunner::shed_requests() const { return impl_->state().shed_requests; }
std::uint64_t ShadowRunner::challenger_errors() const { return impl_->state().challenger_errors; }
std::string ShadowRunner::registration_trouble() const {
  return impl_->state().candidate.trouble();
}

}  // namespace podium::v1
