#include "domain/promotion.h"

#include <array>
#include <utility>

namespace podium {
namespace {

constexpr std::array<std::pair<PromotionKind, std::string_view>, 16> kKinds = {{
    {PromotionKind::kRegister, "register"},
    {PromotionKind::kPromote, "promote"},
    {PromotionKind::kActivate, "activate"},
    {PromotionKind::kRollback, "rollback"},
    {PromotionKind::kRamp, "ramp"},
    {PromotionKind::kAbort, "abort"},
    {PromotionKind::kArms, "arms"},
    {PromotionKind::kRetire, "retire"},
    {PromotionKind::kDelete, "delete"},
    {PromotionKind::kSeed, "seed"},
    {PromotionKind::kFollow, "follow"},
    {PromotionKind::kUnfollow, "unfollow"},
    {PromotionKind::kFollowResume, "follow-resume"},
    {PromotionKind::kRollout, "rollout"},
    {PromotionKind::kShadow, "shadow"},
    {PromotionKind::kChallenger, "challenger"},
}};

}  // namespace

std::string_view NameOf(PromotionKind kind) {
  return kKinds[static_cast<std::size_t>(kind)].second;
}

std::optional<PromotionKind> ParsePromotionKind(std::string_view name) {
  for (const auto& [kind, text] : kKinds) {
    if (text == name) return kind;
  }
  return std::nullopt;
}

}  // namespace podium
