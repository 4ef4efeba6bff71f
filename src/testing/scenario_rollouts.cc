#include "testing/scenario_rollouts.h"

#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "store/rollout_store.h"
#include "testing/scenario_facts.h"
#include "testing/scenario_values.h"

namespace podium::testing::scenario {
namespace {

using store::RolloutMove;

struct MoveWord {
  std::string_view word;
  RolloutMove move;
};
constexpr std::array<MoveWord, 8> kMoves = {{{"step", RolloutMove::kEpoch},
                                             {"open", RolloutMove::kOpenGate},
                                             {"pause", RolloutMove::kPause},
                                             {"resume", RolloutMove::kResume},
                                             {"page", RolloutMove::kPage},
                                             {"promote", RolloutMove::kPromote},
                                             {"back", RolloutMove::kRollBack},
                                             {"abort", RolloutMove::kAbort}}};

bool AtShare(const Words& words) {
  const Word* word = words.Peek();
  return word != nullptr && !word->quoted && ReadShare(word->text);
}

Status ReadShares(Line& line, RolloutPlan& plan) {
  plan.steps.clear();
  do {
    RolloutStep step;
    PODIUM_TRY_ASSIGN(step.share, line.Share());
    plan.steps.push_back(step);
  } while (AtShare(line));
  return {};
}

Result<store::Mutation> ReadStart(Line& line) {
  store::StartRollout verb;
  PODIUM_TRY_ASSIGN(verb.route, line.Route());
  PODIUM_TRY_ASSIGN(verb.candidate, line.Id());
  verb.plan = DefaultPlan();
  if (line.Take("shares")) PODIUM_TRY(ReadShares(line, verb.plan));
  if (line.Take("unit")) {
    PODIUM_TRY_ASSIGN(const std::string unit,
                      line.OneOf("a unit", {"route", "request", "session", "user"}));
    verb.plan.unit = *ParseSplitUnit(unit);
  }
  if (line.Take("gated")) {
    for (RolloutStep& step : verb.plan.steps) step.gate = true;
  }
  verb.plan.promote_at_end = line.Take("promoting");
  return store::Mutation(std::move(verb));
}

// "2 at 5%": steps are numbered from 1.
Result<RolloutEpoch> ReadEpoch(Line& line) {
  RolloutEpoch epoch;
  PODIUM_TRY_ASSIGN(const std::string text, line.Name("the number of a step"));
  const std::optional<int> number = ReadNumber(text);
  if (!number || *number < 1) return line.WrongLast("steps are numbered from 1");
  epoch.step = static_cast<std::uint32_t>(*number - 1);
  PODIUM_TRY(line.Need("at"));
  PODIUM_TRY_ASSIGN(epoch.share, line.Share());
  return epoch;
}

}  // namespace

Result<store::Mutation> ReadRollout(Line& line) {
  std::vector<std::string_view> known = {"start"};
  for (const MoveWord& one : kMoves) known.push_back(one.word);
  PODIUM_TRY_ASSIGN(const std::string word, line.OneOf("what becomes of a rollout", known));
  if (word == "start") return ReadStart(line);
  store::MoveRollout verb;
  for (const MoveWord& one : kMoves) {
    if (one.word == word) verb.move = one.move;
  }
  PODIUM_TRY_ASSIGN(verb.route, line.Route());
  if (verb.move == RolloutMove::kEpoch) {
    PODIUM_TRY_ASSIGN(verb.epoch, ReadEpoch(line));
  }
  if (line.Take("proven")) verb.proof = store::RolloutProof{"step-up", "{}", "{}"};
  return store::Mutation(std::move(verb));
}

Result<Rollout> NewestRollout(store::RegistryStore& store, const RouteName& route) {
  auto* rollouts = dynamic_cast<store::RolloutStore*>(&store);
  if (rollouts == nullptr) return Fail(ErrorCode::kNotFound, "this store has no rollouts");
  PODIUM_TRY_ASSIGN(const store::Page<Rollout> page, rollouts->ListRollouts({route, false, 1, ""}));
  if (!page.items.empty()) return page.items.front();
  return Fail(ErrorCode::kNotFound, "route {} has had no rollout", route.get());
}

Status FindItsRollout(store::RegistryStore& store, bool as_driver, store::Mutation& mutation) {
  auto* move = std::get_if<store::MoveRollout>(&mutation);
  if (move == nullptr) return {};
  const Result<Rollout> newest = NewestRollout(store, move->route);
  if (!newest) return {};  // The verb itself says so.
  move->id = newest->id;
  if (!as_driver) return {};
  auto& rollouts = dynamic_cast<store::RolloutStore&>(store);
  PODIUM_TRY_ASSIGN(const std::optional<store::RolloutLease> lease,
                    rollouts.TakeLease(newest->id, "driver", std::chrono::seconds(10)));
  move->token = lease ? lease->token : 0;
  move->seen = newest->revision;
  return {};
}

std::string FactOf(const Rollout& rollout, std::string_view key) {
  if (key == "phase") return std::string(NameOf(rollout.phase));
  if (key == "candidate") return rollout.candidate.get();
  if (key == "primary") return rollout.primary.get();
  if (key == "step") return fmt::format("{}", rollout.step + 1);
  if (key == "epochs") return fmt::format("{}", rollout.epochs.size());
  if (key == "share") return TextOfShare(rollout.share());
  if (key == "attempt") return fmt::format("{}", rollout.attempt);
  if (key == "said") return rollout.said;
  return fmt::format("(no such fact: {})", key);
}

}  // namespace podium::testing::scenario
