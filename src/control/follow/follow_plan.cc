#include "control/follow/follow_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace podium::control {
namespace {

using view::FollowState;

constexpr std::array<std::string_view, 8> kStepNames = {"nothing",  "register",     "load",
                                                        "promote",  "set canary",   "end canary",
                                                        "roll out", "abort rollout"};

// Collects what is to be said, and the first step that was found.
class Planner {
 public:
  explicit Planner(const FollowFacts& facts) : facts_(facts) {}

  FollowPlan Run() && {
    if (facts_.follow.held) {
      return {{}, FollowState::kHeld, fmt::format("held: {}", facts_.follow.held_because)};
    }
    if (facts_.has_arms) {
      return {{},
              FollowState::kBlocked,
              "the route is split into arms, which no champion can be beside: end the split"};
    }
    AbortRollout();
    WithdrawCanary();
    Champion();
    Challenger();
    return std::move(plan_);
  }

 private:
  bool IsPrimary(const FollowCandidate& candidate) const {
    return facts_.primary != nullptr && candidate.row != nullptr &&
           candidate.row->model_id == facts_.primary->model_id;
  }
  bool IsCanary(const FollowCandidate& candidate) const {
    return facts_.canary != nullptr && candidate.row != nullptr &&
           candidate.row->model_id == facts_.canary->model_id;
  }
  bool IsLedIn(const FollowCandidate& candidate) const {
    return facts_.rollout != nullptr && candidate.row != nullptr &&
           candidate.row->model_id == facts_.rollout->candidate;
  }
  // The first champion has nothing to be compared with.
  bool WantsRollout() const {
    return facts_.follow.on_champion == OnChampion::kRollout && facts_.primary != nullptr;
  }
  // A canary that is about to be the primary is left alone: the promote takes it.
  bool KeepsItsTraffic() const {
    return (facts_.challenger && IsCanary(*facts_.challenger)) ||
           (facts_.champion && IsCanary(*facts_.champion));
  }

  // Of a champion of the past.
  void AbortRollout() {
    if (facts_.rollout == nullptr || (facts_.champion && IsLedIn(*facts_.champion))) return;
    Say(FollowState::kWaiting, "the version that is led in is not the champion any more");
    Take({FollowStepKind::kAbortRollout, 0, nullptr});
  }

  void WithdrawCanary() {
    if (facts_.rollout != nullptr) return;  // It is the rollout's.
    if (facts_.canary == nullptr || KeepsItsTraffic()) return;
    Say(FollowState::kWaiting,
        fmt::format("version {} is not the challenger any more", facts_.canary->version));
    Take({FollowStepKind::kEndCanary, 0, facts_.canary});
  }

  void Champion() {
    if (!facts_.champion) return SayNoChampion();
    if (IsPrimary(*facts_.champion)) {
      return Say(FollowState::kFollowing,
                 fmt::format("version {} is the champion", facts_.champion->number));
    }
    const std::string meanwhile =
        facts_.primary == nullptr ? "" : fmt::format(", {} goes on", facts_.primary->version);
    if (IsLedIn(*facts_.champion)) return SayLedIn();
    if (WantsRollout() && facts_.vetoed != nullptr) return SayVetoed(meanwhile);
    BringUp(*facts_.champion,
            WantsRollout() ? FollowStepKind::kStartRollout : FollowStepKind::kPromote, meanwhile);
  }

  void SayLedIn() {
    const Rollout& rollout = *facts_.rollout;
    Say(FollowState::kWaiting,
        fmt::format("version {} is led in by rollout {}: {}step {} of {} ({} %)",
                    facts_.champion->number, rollout.id.get(),
                    rollout.phase == RolloutPhase::kPaused ? "paused at " : "", rollout.step + 1,
                    rollout.plan.steps.size(), FormatPercent(rollout.share())));
  }

  void SayVetoed(std::string_view meanwhile) {
    const Rollout& rollout = *facts_.vetoed;
    Say(FollowState::kBlocked,
        fmt::format("version {} is not led in again: rollout {} was {} ({}){}",
                    facts_.champion->number, rollout.id.get(),
                    rollout.phase == RolloutPhase::kAborted ? "aborted" : "rolled back",
                    rollout.said, meanwhile));
  }

  void SayNoChampion() {
    const std::string serves = facts_.primary == nullptr
                                   ? "nothing serves yet"
                                   : fmt::format("version {} stays", facts_.primary->version);
    if (!facts_.model_exists) {
      return Say(FollowState::kBlocked,
                 fmt::format("there is no registered model {}: {}", facts_.follow.model, serves));
    }
    Say(FollowState::kWaiting,
        fmt::format("no version has {}: {}", Describe(ChampionOf(facts_.follow)), serves));
  }

  void Challenger() {
    if (!facts_.challenger) return;
    const FollowCandidate& challenger = *facts_.challenger;
    if (IsPrimary(challenger)) {
      return Say(FollowState::kWaiting,
                 fmt::format("version {} serves until the champion does", challenger.number));
    }
    if (facts_.rollout != nullptr || leads_in_) {
      return Say(FollowState::kWaiting,
                 fmt::format("version {} waits until the champion is led in", challenger.number));
    }
    const BasisPoints share = facts_.follow.challenger_share;
    if (IsCanary(challenger) && facts_.canary->share == share) {
      return Say(FollowState::kFollowing, fmt::format("version {} is the challenger with {} %",
                                                      challenger.number, FormatPercent(share)));
    }
    if (facts_.primary == nullptr) {
      return Say(FollowState::kWaiting,
                 fmt::format("version {} waits for a champion to be beside", challenger.number));
    }
    BringUp(challenger, FollowStepKind::kSetCanary, "");
  }

  // One step nearer to what `last` will make of it.
  void BringUp(const FollowCandidate& candidate, FollowStepKind last, std::string_view meanwhile) {
    const std::int64_t number = candidate.number;
    if (candidate.row != nullptr && candidate.row->status == VersionStatus::kRetired) {
      return Say(FollowState::kBlocked,
                 fmt::format("version {} cannot be served: it was retired on this route (`podium "
                             "version delete {}@{}` lets it come anew){}",
                             number, facts_.route.get(), candidate.row->version, meanwhile));
    }
    if (candidate.trouble) {
      const bool passes = candidate.trouble->passes;
      return Say(passes ? FollowState::kWaiting : FollowState::kBlocked,
                 fmt::format("version {} {}: {}{}", number,
                             passes ? "does not serve yet" : "cannot be served",
                             candidate.trouble->why, meanwhile));
    }
    leads_in_ = last == FollowStepKind::kStartRollout;
    // Less traffic, or none, needs no loaded model.
    const bool less = last == FollowStepKind::kSetCanary && IsCanary(candidate) &&
                      facts_.follow.challenger_share < facts_.canary->share;
    if (candidate.row == nullptr || (!candidate.ready && !less)) {
      Say(FollowState::kWaiting,
          fmt::format("waiting for version {} to load{}", number, meanwhile));
      return Take({candidate.row == nullptr ? FollowStepKind::kRegister : FollowStepKind::kLoad,
                   number, candidate.row});
    }
    Say(FollowState::kWaiting, fmt::format("version {} is about to be {}", number, Becoming(last)));
    // The challenger's place is needed.
    if (leads_in_ && facts_.canary != nullptr && !IsCanary(candidate)) {
      return Take({FollowStepKind::kEndCanary, 0, facts_.canary});
    }
    Take({last, number, candidate.row});
  }

  static std::string_view Becoming(FollowStepKind last) {
    if (last == FollowStepKind::kStartRollout) return "led in";
    return last == FollowStepKind::kPromote ? "the primary" : "the canary";
  }

  void Take(const FollowStep& step) {
    if (plan_.step.kind == FollowStepKind::kNothing) plan_.step = step;
  }

  // The worst of all counts.
  void Say(FollowState state, std::string_view sentence) {
    plan_.state = std::max(plan_.state, state);
    if (!plan_.text.empty()) plan_.text += "; ";
    plan_.text += sentence;
  }

  const FollowFacts& facts_;
  FollowPlan plan_;
  bool leads_in_ = false;  // The champion needs the canary's place, now or soon.
};

}  // namespace

std::string_view NameOf(FollowStepKind kind) { return kStepNames[static_cast<std::size_t>(kind)]; }

FollowPlan PlanFollow(const FollowFacts& facts) { return Planner(facts).Run(); }

}  // namespace podium::control
