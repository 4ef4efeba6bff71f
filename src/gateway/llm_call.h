// One call to a language model, from its body to its answer: routed, tried along the chain, told.
//
// Functions decide (attempt_policy.h, routing/fallback_chain.h), this carries.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "gateway/attempt_policy.h"
#include "gateway/gateway_core.h"
#include "gateway/llm/dialect.h"
#include "gateway/llm/request_fields.h"
#include "gateway/llm_attempt.h"
#include "gateway/llm_challenge.h"
#include "gateway/llm_copies.h"
#include "gateway/routed_call.h"
#include "net/handler.h"
#include "routing/fallback_chain.h"

namespace podium::gateway {

/// Threads: its core's.
class LlmCall {
 public:
  /// Pins the view. Core, exchange and passage outlive the call; the passage moves into a stream
  /// that answers it. REQUIRES: core.llm, and the passage was entered.
  LlmCall(GatewayCore& core, net::Exchange& exchange, llm::Surface surface, Passage& passage);

  ~LlmCall();
  LlmCall(const LlmCall&) = delete;
  LlmCall& operator=(const LlmCall&) = delete;

  Task<net::Response> Run();

 private:
  void Refuse(const llm::CallError& error, net::Response& response);
  /// One that may answer.
  struct Candidate {
    std::size_t provider = 0;
    std::string upstream_model;
    routing::ElementSource source = routing::ElementSource::kRegistry;
    routing::VersionIndex version = routing::kNoVersion;
    routing::ServeReason reason = routing::ServeReason::kAssigned;
  };

  Task<Status> ReadCall();
  Status TakeBody(const Result<std::string_view>& body);
  Status Prepare();
  Task<net::Response> Ask();
  void CallerLeft();
  /// Gives the route's shadows their copies, once all is known that goes out.
  void CopyToShadows();
  /// Tells them how the primary's first attempt ended.
  void EndCopies(const AttemptEnd& end, std::chrono::nanoseconds time);
  // Champion-challenger: llm_call_challenge.cc.
  void AskChallenger();
  void AskBeside(const view::RouteChallenger& challenger);
  void WithdrawChallenge();
  bool KeepsAnswers() const;
  void EndSide(const AttemptEnd& end, std::chrono::nanoseconds time);
  /// Whether its whole answer was drawn, and may still come.
  bool awaits_challenger() const {
    return challenge_ != nullptr && !leads_ && !challenge_->settled();
  }
  /// Settles it: `answer` is the challenger's now, if it has one in time.
  void TakeChallengers(std::optional<AttemptEnd>& answer);
  SteadyTime DeadlineOf(const Candidate& candidate, SteadyTime now) const;
  Status NameRoute();
  Status Place();
  routing::RegistryElement Registered(std::vector<routing::RegistryElement>& others);
  Status CheckRemote(const routing::FallbackChain& chain) const;
  Status CheckOverride(routing::VersionIndex version) const;
  void TakeCandidates(const routing::FallbackChain& chain);
  Candidate CandidateOf(const routing::ChainElement& element) const;

  /// The next attempt, ready to be sent; nullopt when nobody is left to ask.
  struct Ready {
    std::unique_ptr<LlmAttempt> attempt;  // Where it stands while it runs.
    net::UpstreamRequest request;
    llm::AnswerTerms terms;
  };
  std::optional<Ready> NextReady();
  /// Why a candidate is not asked.
  enum class Refusal : std::uint8_t {
    kNone,
    kBreaker,  ///< As if it had answered that it is overloaded.
    kUnfit,    ///< It has no words for what the caller wants.
    kJournal,  ///< Nobody may be paid whose bill cannot be written down.
  };
  std::optional<Ready> MakeReady(const Candidate& candidate, Refusal& refusal);
  bool AdmitsTo(const Candidate& candidate, AttemptSubject& subject, SteadyTime now);
  AttemptSubject SubjectOf(const Candidate& candidate) const;
  bool IsAssigned(const Candidate& candidate) const;
  // The rollout: llm_call_rollout.cc.
  void EnterRollout();
  bool IsAble(routing::VersionIndex version) const;
  bool ArmsSpeakAlike() const;
  bool HasWordsFor(const Provider& provider, const ModelVersion& version) const;
  bool PassesOver(const Candidate& candidate, Refusal refusal);
  journal::IntentView IntentOf(const Candidate& candidate, const Provider& provider) const;
  llm::HeaderList PassedOn(const Provider& provider, const AttemptRecord& record) const;
  /// Whether to go on after a failure, and with whom.
  bool GoesOn(const AttemptEnd& end);
  void AddCost(std::optional<NanoUsd> cost);

  void CountNotServed() const;
  void Answer(AttemptEnd end, net::Response& response);
  void Abandon(net::Response& response);
  void AddHeaders(net::Response& response) const;
  std::chrono::nanoseconds Overhead() const;
  Serving ServingNow() const;

  GatewayCore& core_;
  LlmCore& llm_;
  net::Exchange& exchange_;
  const llm::Surface surface_;
  SteadyTime deadline_;  // From the moment that the call was here whole.
  RoutedCall call_;
  std::string_view body_;
  llm::RequestFields fields_;
  std::vector<Candidate> candidates_;
  std::size_t at_ = 0;                // The candidate that is asked, or will be next.
  const Candidate* asked_ = nullptr;  // Last.
  RolloutPart rollout_;               // Until the assigned version is asked.
  bool assigned_was_asked_ = false;
  int attempts_ = 0;       // Of the chain; a challenger's is its own.
  int attempts_here_ = 0;  // Of candidates_[at_].
  std::chrono::nanoseconds pause_{};
  std::chrono::nanoseconds waited_{};  // For the caller's body, and for providers.
  LlmCopies copies_;
  std::shared_ptr<LlmChallenge> challenge_;  // Null: the champion is alone.
  bool drawn_ = false;                       // The challenger's answer was.
  bool leads_ = false;                       // And it is the first that is asked: of a stream.
  Candidate challenger_;                     // For the headers, once its answer is given.
  LlmAttempt* asking_ = nullptr;             // The attempt that is under way.
  bool left_ = false;                        // The caller has.
  std::optional<llm::CallError>
      error_;  // Of the last that failed; of the first that could not be asked.
  std::optional<std::chrono::milliseconds> retry_after_;
  NanoUsd cost_;
  bool cost_known_ = true;
};

}  // namespace podium::gateway
