#include <podium/canary_controller.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "embed/convert.h"
#include "embed/foreign_call.h"
#include "rollout/plain_rule.h"

namespace podium::v1 {
namespace {

constexpr std::chrono::nanoseconds kMaxStepInterval = std::chrono::hours(366 * 24);
constexpr std::size_t kCounterLine = 64;

podium::Status CheckField(bool holds, const char* field, std::string_view want, double given) {
  if (holds) return {};
  return Fail(podium::Error{podium::ErrorCode::kInvalidArgument,
                            fmt::format("{} is {}, not {}", field, want, given), field, nullptr});
}

podium::Status CheckOptions(const CanaryOptions& options) {
  // Each comparison is false for NaN.
  const auto is_fraction = [](double value) { return value >= 0.0 && value <= 1.0; };
  constexpr std::string_view kFraction = "within 0 and 1";
  PODIUM_TRY(
      CheckField(is_fraction(options.max_weight), "max_weight", kFraction, options.max_weight));
  PODIUM_TRY(CheckField(is_fraction(options.initial_weight), "initial_weight", kFraction,
                        options.initial_weight));
  PODIUM_TRY(CheckField(options.initial_weight <= options.max_weight, "initial_weight",
                        "at most max_weight", options.initial_weight));
  PODIUM_TRY(CheckField(is_fraction(options.step_size) && options.step_size > 0.0, "step_size",
                        "above 0 and at most 1", options.step_size));
  PODIUM_TRY(CheckField(is_fraction(options.success_threshold), "success_threshold", kFraction,
                        options.success_threshold));
  const std::chrono::duration<double> interval = options.step_interval;
  return CheckField(options.step_interval.count() > 0 && options.step_interval <= kMaxStepInterval,
                    "step_interval", "above 0 and at most 366 days", interval.count());
}

/// What a controller is, apart from its cover: shared with the ticks of a clock that makes one more
/// after it was told not to.
class SteppedWeight : public std::enable_shared_from_this<SteppedWeight> {
 public:
  explicit SteppedWeight(CanaryOptions options)
      : options_(std::move(options)), weight_(options_.initial_weight) {
    if (options_.clock == nullptr) options_.clock = SystemClock();
    Steer(options_.initial_weight);
  }

  podium::Status Start() {
    PODIUM_TRY_ASSIGN(const std::uint64_t run, BeginRun());
    podium::Result<Ticker> ticker = MakeTicker(run);
    std::unique_lock lock(mutex_);
    const bool still = run_ == run;  // Nobody has stopped or ended it meanwhile.
    if (!ticker) {
      if (still) run_ = kNotRunning;
      return Fail(std::move(ticker).error());
    }
    if (!still) return {};  // The lock goes before the ticker, whose tick may wait for it.
    ticker_ = *std::move(ticker);
    if (ended_) BeginAnew();
    Tell(lock);
    return {};
  }

  void Stop() {
    Ticker ticker;
    {
      const std::lock_guard lock(mutex_);
      run_ = kNotRunning;
      if (teller_ == std::this_thread::get_id()) return;  // Its thread may be the ticker's own.
      ticker = std::move(ticker_);
    }
    ticker.reset();
    std::unique_lock lock(mutex_);
    told_all_.wait(lock, [this] { return teller_ == std::thread::id(); });
  }

  bool Step() {
    std::unique_lock lock(mutex_);
    return Step(lock);
  }

  /// The end of the rollout. Waits for nobody's on_weight: a rollback is at once.
  void End(double weight) {
    std::unique_lock lock(mutex_);
    run_ = kNotRunning;
    ended_ = true;
    Set(weight, lock);
  }

  void RecordSuccess() { successes_.fetch_add(1, std::memory_order_relaxed); }
  void RecordFailure() { failures_.fetch_add(1, std::memory_order_relaxed); }
  std::uint64_t successes() const { return successes_.load(std::memory_order_relaxed); }
  std::uint64_t failures() const { return failures_.load(std::memory_order_relaxed); }
  double success_rate() const {
    const std::uint64_t succeeded = successes();
    return rollout::SuccessRate(succeeded, succeeded + failures());
  }
  double weight() const { return weight_.load(std::memory_order_relaxed); }
  bool running() const {
    const std::lock_guard lock(mutex_);
    return run_ != kNotRunning;
  }

 private:
  static constexpr std::uint64_t kNotRunning = 0;

  /// The number of a run that has no ticker yet.
  podium::Result<std::uint64_t> BeginRun() {
    Ticker old;  // Goes without the lock.
    const std::lock_guard lock(mutex_);
    if (teller_ == std::this_thread::get_id()) {
      return Fail(podium::ErrorCode::kConflict,
                  "a canary controller cannot be started inside its on_weight: do it later");
    }
    if (run_ != kNotRunning) {
      return Fail(podium::ErrorCode::kConflict,
                  "the canary controller runs already: stop it before it is started again");
    }
    old = std::move(ticker_);
    return run_ = ++runs_;
  }

  podium::Result<Ticker> MakeTicker(std::uint64_t run) {
    PODIUM_TRY_ASSIGN(Ticker ticker, CallForeign("the clock", [&] {
                        return options_.clock->CallEvery(
                            options_.step_interval, [weak = weak_from_this(), run] {
                              const auto self = weak.lock();
                              return self != nullptr && self->Tick(run);
                            });
                      }));
    if (ticker == nullptr) {
      return Fail(podium::ErrorCode::kUnavailable,
                  "this clock makes no calls: step by hand, or let its CallEvery make them");
    }
    return ticker;
  }

  /// Whether more ticks are wanted.
  bool Tick(std::uint64_t run) {
    std::unique_lock lock(mutex_);
    if (run_ != run) return false;
    Step(lock);
    return run_ == run;
  }

  // REQUIRES of all below: mutex_ held; those that take the lock may let go of it for a while.

  bool Step(std::unique_lock<std::mutex>& lock) {
    if (ended_) return false;
    const double before = weight();
    const std::optional<double> next =
        rollout::NextShare({before, options_.step_size, options_.max_weight, success_rate(),
                            options_.success_threshold});
    if (!next) return false;
    Set(*next, lock);
    return *next != before;
  }

  void BeginAnew() {
    ended_ = false;
    successes_ = 0;
    failures_ = 0;
    Steer(options_.initial_weight);
  }

  void Set(double weight, std::unique_lock<std::mutex>& lock) {
    Steer(weight);
    Tell(lock);
  }

  void Steer(double weight) {
    weight_.store(weight, std::memory_order_relaxed);
    // The weights of a controller are weights of a router.
    if (options_.router != nullptr) static_cast<void>(options_.router->SetWeight(weight));
  }

  /// One thread at a time tells, so that a rollback is never followed by the step before it.
  void Tell(std::unique_lock<std::mutex>& lock) {
    if (!options_.on_weight || teller_ != std::thread::id()) return;
    teller_ = std::this_thread::get_id();
    while (told_ != weight()) {
      const double now = weight();
      told_ = now;
      lock.unlock();
      static_cast<void>(CallForeign("on_weight", [&] { options_.on_weight(now); }));
      lock.lock();
    }
    teller_ = std::thread::id();
    told_all_.notify_all();
  }

  CanaryOptions options_;  // Does not change after the constructor.
  std::atomic<double> weight_;
  // Apart from each other and from the rest: calls end on all cores at once.
  alignas(kCounterLine) std::atomic<std::uint64_t> successes_{0};
  alignas(kCounterLine) std::atomic<std::uint64_t> failures_{0};
  static_assert(std::atomic<double>::is_always_lock_free &&
                std::atomic<std::uint64_t>::is_always_lock_free);

  alignas(kCounterLine) mutable std::mutex mutex_;  // Over changes, and all below.
  std::uint64_t runs_ = kNotRunning;                // Number of the newest run.
  std::uint64_t run_ = kNotRunning;                 // The one that ticks.
  bool ended_ = false;                              // Promoted or rolled back.
  Ticker
      ticker_;  // Of the newest run; after its end it lingers until Start, Stop or the destructor.
  std::thread::id teller_;      // Who is in on_weight; nobody by default.
  std::optional<double> told_;  // What on_weight was told last.
  std::condition_variable told_all_;
};

}  // namespace

class CanaryController::Impl {
 public:
  explicit Impl(CanaryOptions options)
      : stepped(std::make_shared<SteppedWeight>(std::move(options))) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { stepped->Stop(); }

  const std::shared_ptr<SteppedWeight> stepped;
};

Result<CanaryController> CanaryController::Create(CanaryOptions options) {
  if (const podium::Status checked = CheckOptions(options); !checked) {
    return Refuse(checked.error());
  }
  return CanaryController(std::make_unique<Impl>(std::move(options)));
}

CanaryController::CanaryController(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CanaryController::CanaryController(CanaryController&&) noexcept = default;
CanaryController& CanaryController::operator=(CanaryController&&) noexcept = default;
CanaryController::~CanaryController() = default;

Status CanaryController::Start() { return PublicResult<void>(impl_->stepped->Start()); }
void CanaryController::Stop() { impl_->stepped->Stop(); }
bool CanaryController::Step() { return impl_->stepped->Step(); }
void CanaryController::Promote() { impl_->stepped->End(1.0); }
void CanaryController::RollBack() { impl_->stepped->End(0.0); }
void CanaryController::RecordSuccess() { impl_->stepped->RecordSuccess(); }
void CanaryController::RecordFailure() { impl_->stepped->RecordFailure(); }
double CanaryController::weight() const { return impl_->stepped->weight(); }
double CanaryController::success_rate() const { return impl_->stepped->success_rate(); }
std::uint64_t CanaryController::successes() const { return impl_->stepped->successes(); }
std::uint64_t CanaryController::failures() const { return impl_->stepped->failures(); }
bool CanaryController::running() const { return impl_->stepped->running(); }

}  // namespace podium::v1
