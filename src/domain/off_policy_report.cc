#include "domain/off_policy_report.h"

namespace podium {

std::string_view NameOf(RewardKind kind) {
  switch (kind) {
    case RewardKind::kSuccess:
      return "success";
    case RewardKind::kScore:
      return "score";
    case RewardKind::kLabel:
      break;
  }
  return "label";
}

std::optional<RewardKind> ParseRewardKind(std::string_view name) {
  for (const RewardKind kind : {RewardKind::kSuccess, RewardKind::kScore, RewardKind::kLabel}) {
    if (name == NameOf(kind)) return kind;
  }
  return std::nullopt;
}

}  // namespace podium
