// One prediction of a challenger in this process, beside its champion's.
//
// The run and the call share it: the call may be answered and gone while the run goes on. Whoever
// ends last makes the one record of both.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/awaited.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/result.h"
#include "domain/challenger_record.h"
#include "domain/model.h"
#include "gateway/call_codec.h"
#include "gateway/challenged_call.h"
#include "view/challenger_tally.h"

namespace podium::gateway {

/// Threads: Run on one, the call's side on its core.
class ChallengerRun final : public ChallengedCall {
 public:
  struct Parts {
    std::shared_ptr<const CallInputs> inputs;
    ModelHandle model;  ///< Null: it is not ready here, and is not asked.
    std::shared_ptr<view::ChallengerTally> tally;
    double tolerance = 0;
    std::chrono::nanoseconds deadline{0};  ///< From `begun`; 0: none of its own.
    SteadyTime begun;
    std::size_t answer_limit = limits::kMaxShadowAnswerBytes;  ///< Of both, to be compared.
    /// With all but outcomes, latencies, scores, choice and agreement.
    ChallengerRecord record;
  };
  explicit ChallengerRun(Parts parts) : parts_(std::move(parts)) {}

  /// Asks the model, unless no model is asked any more. Once.
  void Run(const Clock& clock, const std::atomic<bool>& ending);
  /// It will not be asked: there was no place for it.
  void GiveUp();

  /// Until it has ended, or its deadline has passed.
  Task<void> Await(const Clock& clock);
  /// Whose answer is given. `taken`: u was the challenger's. From then on it is settled.
  ChallengerChoice Settle(bool taken);
  /// REQUIRES: Settle said kChallenger.
  const std::vector<Tensor>& outputs() const { return *outputs_; }
  std::chrono::nanoseconds took() const { return time_; }

  /// The champion has ended, and the call is answered. `outputs` null: it failed.
  void EndChampion(const std::vector<Tensor>* outputs,
                   std::optional<std::chrono::nanoseconds> time);
  /// The same, and the champion was not asked.
  void PassOverChampion() { EndChampionAs(Side::kNotAsked); }
  /// The call said nothing about either: nothing is counted or recorded.
  void Withdraw();

  bool ended() const override;
  Task<void> AwaitEnd(std::chrono::nanoseconds patience) override;
  void Fill(predictions::Record& record, bool with_answer) const override;

 private:
  enum class Side : std::uint8_t { kOpen, kAnswered, kFailed, kNotAsked };
  static SideOutcome OutcomeOfSide(Side side);
  void End(Side side);
  void EndChampionAs(Side side);
  void Close();  // REQUIRES: both sides have ended, as the next.
  std::optional<view::ShadowPairOutcome> Compare() const;

  Parts parts_;
  Awaited ended_;
  mutable std::mutex mutex_;
  Side challenger_ = Side::kOpen;  // Protected by mutex_, as all below until both have ended.
  Side champion_ = Side::kOpen;
  bool withdrawn_ = false;
  std::optional<std::vector<Tensor>> outputs_;
  std::chrono::nanoseconds time_{0};         // Of the model.
  std::chrono::nanoseconds ended_after_{0};  // `begun`: with what it waited for a thread.
  std::optional<std::vector<Tensor>> champion_outputs_;  // Unless they are too large.
  std::vector<double> champion_scores_;
  std::optional<bool> agrees_;
  bool closed_ = false;
  Awaited closing_;
  std::optional<std::chrono::nanoseconds> champion_time_;
};

}  // namespace podium::gateway
