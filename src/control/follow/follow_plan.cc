#include "control/follow/follow_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace podium::control {
namespace {

using view::FollowState;

constexpr std::array<std::string_view, 6> kStepNames = {"nothing", "register",   "load",
                                                        "promote", "set canary", "end canary"};

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
  // A canary that is about to be the primary is left alone: the promote takes it.
  bool KeepsItsTraffic() const {
    return (facts_.challenger && IsCanary(*facts_.challenger)) ||
           (facts_.champion && IsCanary(*facts_.champion));
  }

  void WithdrawCanary() {
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
    BringUp(*facts_.champion, FollowStepKind::kPromote,
            facts_.primary == nullptr ? "" : fmt::format(", {} goes on", facts_.primary->version));
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
    // Less traffic, or none, needs no loaded model.
    const bool less = last == FollowStepKind::kSetCanary && IsCanary(candidate) &&
                      facts_.follow.challenger_share < facts_.canary->share;
    if (candidate.row == nullptr || (!candidate.ready && !less)) {
      Say(FollowState::kWaiting,
          fmt::format("waiting for version {} to load{}", number, meanwhile));
      return Take({candidate.row == nullptr ? FollowStepKind::kRegister : FollowStepKind::kLoad,
                   number, candidate.row});
    }
    Say(FollowState::kWaiting,
        fmt::format("version {} is about to be {}", number,
                    last == FollowStepKind::kPromote ? "the primary" : "the canary"));
    Take({last, number, candidate.row});
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
};

}  // namespace

std::string_view NameOf(FollowStepKind kind) { return kStepNames[static_cast<std::size_t>(kind)]; }

FollowPlan PlanFollow(const FollowFacts& facts) { return Planner(facts).Run(); }

}  // namespace podium::control
