// CanaryController: raises a canary's weight step by step while its calls succeed.
//
// A step: if success_rate() >= success_threshold and weight() < max_weight, the weight becomes
// min(weight + step_size, max_weight); else it stays. The plain rule: it bounds no chance of error
// and never lowers a weight. Above max_weight only Promote leads.
//
//   auto router = std::make_shared<podium::AbRouter>(
//       podium::AbRouter::Create(0.0, "ranker-v2").value());
//   podium::CanaryOptions options;
//   options.router = router;  // Its weight is the controller's from now on.
//   auto canary = podium::CanaryController::Create(options).value();
//   canary.Start();           // From here on router->Route(key) sends ever more to the challenger.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include <podium/ab_router.h>
#include <podium/clock.h>
#include <podium/error.h>

namespace podium::v1 {

struct CanaryOptions {
  double initial_weight = 0.05;  ///< 0.0 to 1.0, not above max_weight.
  double max_weight = 0.5;       ///< 0.0 to 1.0: where steps end.
  double step_size = 0.05;       ///< Above 0.0, to 1.0.
  std::chrono::nanoseconds step_interval{std::chrono::minutes(1)};  ///< Above 0, to 366 days.
  double success_threshold = 0.95;                                  ///< 0.0 to 1.0.
  std::shared_ptr<const Clock> clock;  ///< Null: SystemClock(). The stepper waits through it.
  /// Steered from Create on: whoever asks it after a change of the weight returned is routed by the
  /// new one. Null: ask weight().
  std::shared_ptr<AbRouter> router;
  /// Told the weight at Start and at each change, in order and by one thread at a time: that which
  /// made the change, or, while on_weight runs already, the thread that runs it: it tells the
  /// newest weight next. It may set the weight of a registry's canary and call any method but
  /// Start; it must not destroy the controller, and what it throws is dropped.
  std::function<void(double weight)> on_weight;
};

/// Threads: all methods from any thread; what is recorded waits for nothing. A moved-from
/// controller may only be assigned to or destroyed.
class [[gnu::visibility("default")]] CanaryController {
 public:
  /// At the initial weight, not started. kInvalidArgument for anything but what CanaryOptions
  /// says, NaN and infinities included; `where` names the field.
  static Result<CanaryController> Create(CanaryOptions options);
  CanaryController(CanaryController&&) noexcept;
  CanaryController& operator=(CanaryController&&) noexcept;
  ~CanaryController();  ///< Stops; the router keeps the weight.

  /// A step each step_interval from now on, by itself. After Stop it goes on where that was. After
  /// Promote or RollBack it is a new rollout: the initial weight, nothing recorded. kConflict while
  /// it runs, and inside on_weight; kUnavailable when the clock makes no calls.
  Status Start();
  /// No step comes by itself any more; the weight stays. Waits for a step under way and its
  /// on_weight, unless called there. Nothing happens where it does not run.
  void Stop();
  /// One step now, started or not; true when it changed the weight. After Promote or RollBack it
  /// does nothing until Start.
  bool Step();
  void Promote();   ///< Weight 1.0, at once; the end of the rollout.
  void RollBack();  ///< Weight 0.0, at once; the end of the rollout.

  /// How one call of the canary ended. No lock, no allocation.
  void RecordSuccess();
  void RecordFailure();

  double weight() const;        ///< 0.0 to 1.0.
  double success_rate() const;  ///< successes / (successes + failures); 0.0 with nothing recorded.
  std::uint64_t successes() const;
  std::uint64_t failures() const;
  bool running() const;  ///< Started, and neither stopped nor at its end.

 private:
  class [[gnu::visibility("hidden")]] Impl;
  [[gnu::visibility("hidden")]] explicit CanaryController(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace podium::v1
