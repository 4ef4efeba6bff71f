// What another split of a route's traffic would have earned, by what was logged of its predictions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "domain/compare_report.h"

namespace podium {

/// What a call was worth.
enum class RewardKind : std::uint8_t {
  kSuccess,  ///< 1 if the assigned version answered it, else 0.
  kScore,    ///< The feedback's score, the mean over the rows of one call.
  kLabel,    ///< The feedback's label, in the same way: a sale that came true, say.
};
std::string_view NameOf(RewardKind kind);  ///< "success", "score", "label".
std::optional<RewardKind> ParseRewardKind(std::string_view name);

/// Share of one version in the split that is asked about.
struct PolicyShare {
  std::string model_id;
  double share = 0;  ///< 0 to 1.
};

struct OffPolicyQuestion {
  std::string route;
  WallTime since;
  WallTime until;  ///< Exclusive.
  RewardKind reward = RewardKind::kSuccess;
  std::vector<PolicyShare> policy;  ///< Each version once; the shares add up to 1.
  double clip = 0;                  ///< Of SNIPS's weights; 0: none.
};

/// The three estimates of one split, and what must be known to believe them.
struct OffPolicyReport {
  Estimate ips;
  Estimate snips;
  Estimate doubly_robust;
  Estimate logged;        ///< What the log's own policy has earned with the same decisions.
  double direct = 0;      ///< The model's word alone, without interval: it may be wrong anywhere.
  double ess = 0;         ///< (sum w)² / sum w².
  double max_weight = 0;  ///< Of the new policy's probability over the logged one.
  std::int64_t n = 0;
  std::int64_t units = 0;
  std::int64_t without_propensity = 0;  ///< Left out.
  std::int64_t clipped = 0;             ///< Weights that the clip has cut.
};

/// Calls that are in no estimate, and why.
struct LeftOut {
  std::int64_t overrides = 0;       ///< Named their version.
  std::int64_t not_randomised = 0;  ///< Only one version could have come.
  std::int64_t refused = 0;         ///< The caller's own mistakes.
  std::int64_t without_propensity = 0;
  std::int64_t without_reward = 0;  ///< No feedback on them, or another version gave the answer.
  std::int64_t unsupported = 0;     ///< Made while the policy's versions were not all drawn from.
};

/// One version, as it was logged.
struct LoggedArm {
  std::string model_id;
  double share = 0;        ///< In the policy that was asked about.
  std::int64_t n = 0;      ///< Decisions for it that are in the estimates.
  double mean_reward = 0;  ///< Of those. 0 when there is none.
};

struct OffPolicyAnswer {
  OffPolicyQuestion question;
  OffPolicyReport report;
  LeftOut left_out;
  std::vector<LoggedArm> arms;  ///< By model id; those of the policy, drawn or not, and the rest.
  bool complete = true;         ///< False: there were more than are read; the oldest were taken.
};

}  // namespace podium
