// ShadowRunner: asks a challenger beside the champion, and never lets the caller feel it.
//
// The champion runs on the caller's thread, the challenger of a sampled request at the same time on
// another. The caller has the champion's answer when the champion is done; a challenger that fails,
// throws or is late is counted and told, and changes nothing.
//
//   auto runner = podium::ShadowRunner::Create({}).value();
//   podium::Result<Scores> scores = runner.RunShadow(
//       [&] { return champion.Predict(input); },           // Here and now: may borrow.
//       [input] { return challenger->Predict(input); },    // Later too: owns what it needs.
//       [](const podium::ShadowOutcome<Scores>& both) { Compare(both); });
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <podium/clock.h>
#include <podium/executor.h>
#include <podium/model_version.h>
#include <podium/random.h>
#include <podium/registry.h>

namespace podium::v1 {

struct ShadowOptions {
  double rate = 1.0;  ///< Of the requests that are sampled, 0.0 to 1.0.
  int threads = 2;    ///< Of the runner's own, 1 to kMaxThreads; none with an executor.
  /// Sampled requests that may be waiting or running at once, 1 to kMaxPending; those beyond are
  /// shed: their champion answers as ever, their challenger is not called.
  std::size_t max_pending = 64;
  Executor executor;  ///< Where challengers and callbacks run; empty: on the runner's own threads.
  std::shared_ptr<const Clock> clock;  ///< Null: SystemClock().
  std::shared_ptr<Random> random;      ///< Draws the sample. Null: SystemRandom().
  /// Not null: the first sampled request has `candidate` registered there as a shadow that can be
  /// promoted (Registry::RegisterShadow), on the threads of the challengers; a failure is tried
  /// again a minute later at the earliest. While the candidate is the primary of its name no
  /// request is sampled: a champion is not its own shadow. Outlives the runner.
  Registry* registry = nullptr;
  NewVersion candidate;
};

/// What came of one request.
template <typename Output>
struct ShadowOutcome {
  Output champion_output;
  std::optional<Output> challenger_output;  ///< Of a challenger that was called and answered.
  /// The challenger's running time less the champion's, waits for a thread left out; 0 without an
  /// output of the challenger.
  std::chrono::nanoseconds latency_delta{0};
  bool sampled = false;  ///< Drawn for the challenger.
  /// Why a sampled request has no output of it: its own error, kUnavailable for what it threw,
  /// kLimited when it was shed.
  std::optional<Error> challenger_error;
};

/// A ShadowOutcome without the outputs: what the runner itself knows.
struct ShadowMeeting {
  std::chrono::nanoseconds latency_delta{0};
  bool sampled = false;
  std::optional<Error> challenger_error;
};

/// Threads: all methods from any thread. A moved-from runner may only be assigned to or destroyed.
class [[gnu::visibility("default")]] ShadowRunner {
 public:
  static constexpr int kMaxThreads = 64;
  static constexpr std::size_t kMaxPending = 65'536;

  /// kInvalidArgument for anything but what ShadowOptions says, a rate of NaN included; `where`
  /// names the field.
  static Result<ShadowRunner> Create(ShadowOptions options);
  ShadowRunner(ShadowRunner&&) noexcept;
  ShadowRunner& operator=(ShadowRunner&&) noexcept;
  /// Waits for challengers and callbacks that have begun; what has not begun is dropped, its
  /// callback with it (Drain first to have them all). Afterwards nothing that was passed in is
  /// called any more. Not inside a challenger or callback.
  ~ShadowRunner();

  /// Gives the champion's answer when the champion has it. `champion` and `challenger` give a
  /// Result of one copyable type. `done` is told the outcome of each request that the champion
  /// answered: later and on another thread where a challenger is called; before this returns where
  /// none is (not sampled, shed), so let it be quick then. `challenger` and `done` may outlive the
  /// call; what `done` throws is dropped. What the champion throws leaves the call.
  template <typename Champion, typename Challenger, typename Done>
  std::invoke_result_t<Champion&> RunShadow(Champion champion, Challenger challenger, Done done) {
    using Output = typename std::invoke_result_t<Champion&>::value_type;
    const auto both = Pair<Output>(std::move(challenger), std::move(done));
    const Result<ShadowMeeting> met = Meet(champion, both, [both](const ShadowMeeting& meeting) {
      // The caller may be copying the champion's output now: it is only read here.
      const ShadowOutcome<Output> outcome{*both->champion_output,
                                          std::move(both->challenger_output), meeting.latency_delta,
                                          meeting.sampled, meeting.challenger_error};
      both->done(outcome);
    });
    if (!met) return tl::unexpected<Error>(met.error());
    return *both->champion_output;
  }

  /// Waits for both, on this thread for the champion; else as above. Not inside a challenger or
  /// callback: it may wait for the thread that it is on.
  template <typename Champion, typename Challenger>
  auto RunShadowAndWait(Champion champion, Challenger challenger)
      -> Result<ShadowOutcome<typename std::invoke_result_t<Champion&>::value_type>> {
    using Output = typename std::invoke_result_t<Champion&>::value_type;
    const auto both = Pair<Output>(std::move(challenger), nullptr);
    const Result<ShadowMeeting> met = Meet(champion, both, nullptr);
    if (!met) return tl::unexpected<Error>(met.error());
    return ShadowOutcome<Output>{*std::move(both->champion_output),
                                 std::move(both->challenger_output), met->latency_delta,
                                 met->sampled, met->challenger_error};
  }

  /// Waits until no challenger or callback of the requests so far is waiting or running.
  void Drain();

  std::uint64_t total_requests() const;
  std::uint64_t sampled_requests() const;   ///< Drawn for the challenger.
  std::uint64_t shed_requests() const;      ///< Of those, never called.
  std::uint64_t challenger_errors() const;  ///< Of those, failed or threw.
  /// Why the candidate could not be registered at the last try; empty when it could.
  std::string registration_trouble() const;

 private:
  /// What the two sides of one request leave for each other, and what outlives the call.
  template <typename Output, typename Challenger, typename Done>
  struct Both {
    Challenger challenger;
    Done done;
    std::optional<Output> champion_output;
    std::optional<Output> challenger_output;
  };
  template <typename Output, typename Challenger, typename Done>
  static std::shared_ptr<Both<Output, Challenger, Done>> Pair(Challenger challenger, Done done) {
    return std::shared_ptr<Both<Output, Challenger, Done>>(new Both<Output, Challenger, Done>{
        std::move(challenger), std::move(done), std::nullopt, std::nullopt});
  }
  /// Runs a model, keeps its output, says how long it took.
  using Half = std::function<Result<std::chrono::nanoseconds>()>;
  using Report = std::function<void(const ShadowMeeting&)>;

  template <typename Model, typename Output>
  static Result<std::chrono::nanoseconds> Timed(const Clock& clock, Model& model,
                                                std::optional<Output>& output) {
    const SteadyTime begun = clock.SteadyNow();
    Result<Output> said = model();
    const std::chrono::nanoseconds took = clock.SteadyNow() - begun;
    if (!said) return tl::unexpected<Error>(std::move(said).error());
    output.emplace(*std::move(said));
    return took;
  }
  template <typename Champion, typename Shared>
  Result<ShadowMeeting> Meet(Champion& champion, const Shared& both, Report report) {
    const std::shared_ptr<const Clock> time = clock();
    return Run([&] { return Timed(*time, champion, both->champion_output); },
               [time, both] { return Timed(*time, both->challenger, both->challenger_output); },
               std::move(report));
  }
  /// Waits for the challenger where nobody is to be told. The champion's error is that of Run.
  Result<ShadowMeeting> Run(const Half& champion, Half challenger, Report report);
  std::shared_ptr<const Clock> clock() const;

  class [[gnu::visibility("hidden")]] Impl;
  [[gnu::visibility("hidden")]] explicit ShadowRunner(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace podium::v1
