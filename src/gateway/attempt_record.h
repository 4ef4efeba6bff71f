// What one attempt at a provider leaves behind, whatever happens to it: the journal's two records,
// the version's counts, the breaker's verdict, metrics and cost.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/money.h"
#include "domain/attempt.h"
#include "domain/token_usage.h"
#include "gateway/attempt_trace.h"
#include "gateway/breaker_board.h"
#include "gateway/gateway_core.h"
#include "gateway/llm/conversation.h"
#include "gateway/llm/upstream_failure.h"
#include "gateway/passage.h"
#include "gateway/rollout_part.h"
#include "journal/attempt.h"
#include "view/version_stats.h"

namespace podium::gateway {

/// What an attempt is recorded against.
struct AttemptSubject {
  std::size_t provider = 0;
  std::string upstream_model;
  std::shared_ptr<view::VersionStats> version;  ///< Null for an element of configuration.
  bool canary = false;
  bool is_override = false;
  BoardedBreaker* breaker = nullptr;  ///< That has admitted it; null for an override.
  BreakerTicket ticket = {};
  RolloutPart rollout = {};  ///< Of the call's first attempt at the version it was assigned to.
};

/// What a provider has reported of a call that it did not report to the end, completed from the
/// bytes that went and came: four to a token. A count that came early (Anthropic's stream begins
/// with one of its output) is never believed below what was seen.
TokenUsage CompleteUsage(TokenUsage reported, std::size_t request_bytes,
                         std::uint64_t output_bytes);

/// INV-11: the intent is in the journal before a byte goes upstream, and the outcome follows once,
/// at the latest when the record is destroyed. INV-8, B5: what failed is recorded against the
/// version that failed.
/// Threads: its core's. Outlives the call that began it, as a stream does.
class AttemptRecord {
 public:
  /// Null when the journal is full: then the call must not be made. `intent` has all but the
  /// estimate's cost. `request_bytes`: what an estimate of the input is made from.
  /// REQUIRES: the passage is admitted; it outlives the record, or is replaced.
  static std::unique_ptr<AttemptRecord> Begin(GatewayCore& core, Passage& passage,
                                              AttemptSubject subject, journal::IntentView intent,
                                              std::size_t request_bytes);
  ~AttemptRecord();  ///< If nothing was said: the caller has left.
  AttemptRecord(const AttemptRecord&) = delete;
  AttemptRecord& operator=(const AttemptRecord&) = delete;

  /// Of a stream. A probe has found out what it was for, however long the rest takes.
  void FirstToken();

  // One of these, once. A usage that is marked estimated is completed here.
  void Answered(TokenUsage usage, llm::FinishReason finish);
  /// `billed`: the provider may have worked for it. `usage` as far as it was seen.
  void Failed(const llm::UpstreamFailure& failure, bool billed, TokenUsage usage = {});
  void CallerLeft(TokenUsage usage, bool billed = true);

  Passage& passage() { return *passage_; }
  void set_passage(Passage& passage) { passage_ = &passage; }
  void set_output_bytes(std::uint64_t bytes) { output_bytes_ = bytes; }
  /// Of its span; null when nobody traces.
  AttemptTrace* trace() const { return trace_.get(); }
  bool ended() const { return ended_; }
  /// Of an attempt that has ended: nullopt while no price is known.
  std::optional<NanoUsd> cost() const { return cost_; }
  std::size_t provider() const { return subject_.provider; }

 private:
  AttemptRecord(GatewayCore& core, Passage& passage, AttemptSubject subject,
                journal::OpenAttempt open, std::size_t request_bytes);
  void End(AttemptStatus status, TokenUsage usage);
  void CountVersion(view::Outcome outcome, std::chrono::nanoseconds took);
  bool counts_in_role() const { return subject_.version && !subject_.is_override; }
  std::chrono::nanoseconds Elapsed() const;
  void TellBreaker(const llm::UpstreamFailure& failure);

  GatewayCore& core_;
  Passage* passage_;
  AttemptSubject subject_;
  const journal::OpenAttempt open_;
  const std::size_t request_bytes_;
  const SteadyTime begun_;
  std::uint64_t output_bytes_ = 0;
  bool ended_ = false;
  std::optional<NanoUsd> cost_;
  std::string_view error_type_;  // Static; empty: it was answered.
  std::unique_ptr<AttemptTrace> trace_;
};

}  // namespace podium::gateway
