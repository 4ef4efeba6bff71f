// Champion and challenger on one call to a language model: what each did, and the record of both.
//
// Both are asked. Of a whole answer the champion's is asked by the call itself and the challenger's
// beside it; when the challenger's was drawn the call waits for it too, until its deadline. Of a
// stream whoever was drawn is asked by the call and the other one beside it, read to its end; a
// drawn challenger that gives no first token in time is passed over, and the champion is asked.
//
// What a challenger does is booked to the challenger: its attempt is none of the call's, its time
// none of the champion's.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "base/awaited.h"
#include "base/clock.h"
#include "domain/challenger_record.h"
#include "gateway/challenged_call.h"
#include "view/challenger_tally.h"

namespace podium::gateway {

/// Copies beside calls under champion-challenger that providers have at once, per core.
inline constexpr std::size_t kMaxChallengerCalls = 32;

/// Threads: one core's. The call and what runs beside it share it; whoever ends last makes the
/// record.
class LlmChallenge final : public ChallengedCall {
 public:
  struct Parts {
    std::shared_ptr<view::ChallengerTally> tally;
    std::chrono::nanoseconds deadline{0};  ///< From `begun`; 0: the call's.
    SteadyTime begun;
    ChallengerRecord record;  ///< With all but outcomes, latencies and choice.
  };
  explicit LlmChallenge(Parts parts) : parts_(std::move(parts)) {}

  /// How one of the two has ended, each once. `time`: to the whole answer, or the first token.
  void EndChallenger(SideOutcome outcome, std::optional<std::chrono::nanoseconds> time,
                     std::string answer);
  void EndChampion(SideOutcome outcome, std::optional<std::chrono::nanoseconds> time,
                   std::string answer);
  /// Until the challenger has ended, its deadline has passed, or `call_deadline`; or EndWait.
  Task<void> AwaitChallenger(const Clock& clock, SteadyTime call_deadline);
  /// Nobody is there to wait for it any more.
  void EndWait();

  /// Whether a drawn challenger's whole answer is to be given, or why not.
  ChallengerChoice Choose() const;
  void Settle(ChallengerChoice choice);
  bool settled() const { return settled_; }
  /// REQUIRES: Choose said kChallenger.
  const std::string& answer() const { return challenger_.answer; }
  /// REQUIRES: Choose said kChallenger.
  std::chrono::nanoseconds took() const {
    return challenger_.time.value_or(std::chrono::nanoseconds());
  }
  /// The call says nothing about either, unless both have ended: nothing is counted or recorded.
  void Withdraw();
  std::chrono::nanoseconds deadline() const { return parts_.deadline; }
  SteadyTime begun() const { return parts_.begun; }

  bool ended() const override { return closed_ || withdrawn_; }
  Task<void> AwaitEnd(std::chrono::nanoseconds patience) override;
  void Fill(predictions::Record& record, bool with_answer) const override;

 private:
  struct Side {
    std::optional<SideOutcome> outcome;
    std::optional<std::chrono::nanoseconds> time;
    std::string answer;
  };
  void CloseIfBoth();

  Parts parts_;
  Side champion_;
  Side challenger_;
  bool settled_ = false;
  bool withdrawn_ = false;
  bool closed_ = false;
  bool wait_ended_ = false;
  Awaited ended_;    // The challenger has, or the wait for it.
  Awaited closing_;  // Of both.
};

/// Until when a challenger that was drawn for a stream may take to its first token: its own
/// deadline (0: none), and never more than half of what the call has left, so that the champion can
/// still answer. Pure.
SteadyTime LeadDeadline(SteadyTime now, SteadyTime call, std::chrono::nanoseconds own);

}  // namespace podium::gateway
