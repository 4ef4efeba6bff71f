// What the prediction log is told of one call, gathered while it runs.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/money.h"
#include "domain/attempt.h"
#include "predictions/core_log.h"
#include "predictions/record.h"
#include "view/recent_requests.h"

namespace podium::gateway {

class ChallengedCall;
struct GatewayCore;

/// Made only for calls that are logged. What never comes to End is not logged: a call that was
/// handed from the fast path to the other goes on with the one it has.
/// Threads: its core's. The log and the clock outlive it.
class LoggedCall {
 public:
  /// `keep`: what CoreLog::Admit gave.
  LoggedCall(predictions::CoreLog& log, const predictions::RouteLogging& logging,
             const Clock& clock, SteadyTime received, double keep);

  void TakeRequest(std::string_view path, std::string_view body);
  /// What goes out, piece by piece.
  void TakeAnswer(std::string_view piece);
  void SetScores(std::vector<double> scores, std::size_t rows);
  /// Who was assigned and who served, as it is remembered for `podium explain`.
  void Describe(const view::AnsweredRequest& facts, double propensity, std::string_view assigned,
                std::string_view served);
  /// An attempt at a provider has ended. The last one says what became of a stream whose status
  /// was told before.
  void AddAttempt(AttemptStatus status, std::optional<NanoUsd> cost);
  /// Another answer takes the place of what the attempts so far gave: theirs is forgotten, and how
  /// they ended; what they cost stays. The new one's pieces follow.
  void ReplaceAnswer();
  /// Another version is asked beside the one that was assigned: the record waits for both. Once.
  /// The core outlives it.
  void SetChallenged(const GatewayCore& core, std::shared_ptr<ChallengedCall> both);
  /// Whether answers are kept, the one that is not given too.
  bool keeps_answers() const { return logging_.payloads == predictions::Payloads::kAll; }
  /// The call has ended: the record goes to the log, if it was described.
  void End(int status);

 private:
  predictions::CoreLog& log_;
  const predictions::RouteLogging& logging_;
  const Clock& clock_;
  const SteadyTime received_;
  std::unique_ptr<predictions::Record> record_;
  const GatewayCore* core_ = nullptr;  // Set when there is a challenger.
  std::shared_ptr<ChallengedCall> challenged_;
  bool described_ = false;
  bool cost_known_ = true;
  AttemptStatus last_attempt_ = AttemptStatus::kOk;
};

}  // namespace podium::gateway
