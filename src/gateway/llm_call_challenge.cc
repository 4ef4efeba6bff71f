// Champion-challenger, as a call to a language model sees it (llm_challenge.h).
#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "gateway/challenger_call.h"
#include "gateway/llm_call.h"
#include "gateway/shadow_copies.h"

namespace podium::gateway {
namespace {

using routing::kNoVersion;

SideOutcome OutcomeOfEnd(const CopyEnd& end) {
  if (!end.sent) return SideOutcome::kNotAsked;
  if (end.cancelled) return SideOutcome::kUnknown;
  return end.error ? SideOutcome::kFailed : SideOutcome::kAnswered;
}

SideOutcome OutcomeOfAttempt(const AttemptEnd& end) {
  if (end.cancelled || end.withheld) return SideOutcome::kUnknown;
  if (!end.failure) return SideOutcome::kAnswered;
  return llm::IsProvidersFault(end.failure->kind) ? SideOutcome::kFailed : SideOutcome::kUnknown;
}

}  // namespace

LlmCall::~LlmCall() {
  if (asked_ == nullptr) WithdrawChallenge();
}

void LlmCall::WithdrawChallenge() {
  if (challenge_ != nullptr) challenge_->Withdraw();
}

/// Whether what a version says is kept for the prediction log.
bool LlmCall::KeepsAnswers() const {
  const LoggedCall* log = call_.logged();
  return log != nullptr && log->keeps_answers();
}

void LlmCall::AskChallenger() {
  const view::RouteView* route = call_.route();
  if (route == nullptr || route->challenger == nullptr || !core_.shared.spawn) return;
  const Candidate& first = candidates_.front();
  if (first.source != routing::ElementSource::kRegistry) return;
  if (!IsPrimarysOwn(*route, call_.decision(), {first.version, first.reason, 1})) return;
  const view::RouteChallenger& challenger = *route->challenger;
  const double u = DrawFor(challenger, call_, core_.shared.rng);
  LlmChallenge::Parts parts;
  parts.tally = challenger.tally;
  parts.deadline = challenger.deadline;
  parts.begun = core_.shared.clock.SteadyNow();
  parts.record.champion.version = call_.At(route->route->primary).model_id.get();
  parts.record.challenger.version = challenger.tally->pairs.version().get();
  parts.record.u = u;
  parts.record.weight = challenger.weight.value() / static_cast<double>(BasisPoints::kWhole);
  challenge_ = std::make_shared<LlmChallenge>(std::move(parts));
  if (LoggedCall* log = call_.logged()) log->SetChallenged(core_, challenge_);
  drawn_ = TakesChallenger(u, challenger.weight);
  if (!drawn_) challenge_->Settle(ChallengerChoice::kChampion);
  challenger.tally->pairs.CountCall(core_.index, true);
  const bool is_ready =
      challenger.version != kNoVersion && call_.ServingOf(challenger.version).remote;
  std::optional<view::ShadowShed> shed;
  if (body_.size() > limits::kMaxShadowBodyBytes) shed = view::ShadowShed::kSize;
  if (core_.challenger_calls >= kMaxChallengerCalls) shed = view::ShadowShed::kFull;
  if (is_ready && shed) challenger.tally->pairs.CountShed(*shed);
  if (is_ready && !shed) return AskBeside(challenger);
  challenge_->EndChallenger(SideOutcome::kNotAsked, std::nullopt, "");
  challenge_->Settle(challenge_->Choose());
}

// Whoever of the two the call does not ask itself.
void LlmCall::AskBeside(const view::RouteChallenger& challenger) {
  const ModelVersion& row = call_.At(challenger.version);
  challenger_ = {llm_.shared.providers.IndexOf(row.provider_key), row.upstream_model,
                 routing::ElementSource::kRegistry, challenger.version,
                 routing::ServeReason::kChallenger};
  leads_ = drawn_ && fields_.stream;
  const routing::VersionIndex beside = leads_ ? candidates_.front().version : challenger.version;
  std::unique_ptr<LlmCopy> copy = CopyFor(core_, call_, beside, surface_, body_);
  copy->tally = {challenger.tally, &challenger.tally->pairs};
  copy->kind = AttemptKind::kChallenger;
  copy->keeps_answer = !fields_.stream || KeepsAnswers();
  copy->counts_errors = !leads_;
  copy->user_id = fields_.user;
  copy->ended = [challenge = challenge_, is_champion = leads_](CopyEnd end) {
    const SideOutcome outcome = OutcomeOfEnd(end);
    if (is_champion) {
      challenge->EndChampion(outcome, end.time, std::move(end.answer));
    } else {
      challenge->EndChallenger(outcome, end.time, std::move(end.answer));
    }
  };
  ++core_.challenger_calls;
  core_.shared.spawn(core_.index, CarryCopy(core_, std::move(copy)));
  if (leads_) candidates_.insert(candidates_.begin(), challenger_);
}

/// The first attempt of the call has ended: the champion's, or that of a challenger that leads.
void LlmCall::EndSide(const AttemptEnd& end, std::chrono::nanoseconds time) {
  if (challenge_ == nullptr) return;
  const SideOutcome outcome = at_ == 0 ? OutcomeOfAttempt(end) : SideOutcome::kNotAsked;
  if (!leads_) {
    if (attempts_ != 1) return;
    return challenge_->EndChampion(outcome, time, KeepsAnswers() ? end.body : std::string());
  }
  if (challenge_->settled()) return;
  challenge_->EndChallenger(outcome, time, "");
  ChallengerChoice choice = challenge_->Choose();
  if (choice == ChallengerChoice::kFailed && end.by_our_deadline) choice = ChallengerChoice::kLate;
  // Its first token came before the champion was asked, however late that was.
  if (at_ == 0 && !end.failure) choice = ChallengerChoice::kChallenger;
  challenge_->Settle(choice);
}

void LlmCall::TakeChallengers(std::optional<AttemptEnd>& answer) {
  const ChallengerChoice choice = challenge_->Choose();
  challenge_->Settle(choice);
  if (choice != ChallengerChoice::kChallenger) return;
  AttemptEnd& end = answer.emplace();
  end.body = challenge_->answer();
  if (LoggedCall* log = call_.logged()) log->ReplaceAnswer();
  if (Status safe = call_.passage().SafetyOut(end.body); !safe) {
    end.withheld = std::move(safe).error();
  }
  asked_ = &challenger_;
  // What was done before it was asked, and its own time: not what the champion took beside it.
  call_.Count(challenger_.version, view::Outcome::kOk,
              challenge_->begun() - exchange_.received() + challenge_->took());
}

SteadyTime LlmCall::DeadlineOf(const Candidate& candidate, SteadyTime now) const {
  const bool leads = candidate.reason == routing::ServeReason::kChallenger;
  return leads ? LeadDeadline(now, deadline_, challenge_->deadline()) : deadline_;
}

}  // namespace podium::gateway
