// The audit trail: who moved what, when, from where to where, and why.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "domain/ids.h"
#include "domain/traffic.h"

namespace podium {

enum class PromotionKind : std::uint8_t {
  kRegister,
  kPromote,
  kActivate,
  kRollback,
  kRamp,   ///< A canary's share was set, raised or lowered.
  kAbort,  ///< A canary was ended.
  kArms,   ///< The arms of an A/B split were set.
  kRetire,
  kDelete,
  kSeed,
  kFollow,        ///< The route follows a registered model from now on, or another one.
  kUnfollow,      ///< It is driven by Podium's own verbs again.
  kFollowResume,  ///< It was held by a rollback and follows again.
  kRollout,  ///< A rollout went on without moving traffic: paused, resumed, a gate opened, paged.
  kShadow,   ///< What its shadows get copies of was set.
  kChallenger,  ///< Champion-challenger was set or ended.
};
std::string_view NameOf(PromotionKind kind);
std::optional<PromotionKind> ParsePromotionKind(std::string_view name);

/// One row of `model_promotions`: appended with the change it describes, never edited or deleted.
struct Promotion {
  Revision revision;  ///< The row's number: that of the transaction which wrote it.
  RouteName route;
  PromotionKind kind = PromotionKind::kPromote;
  std::optional<ModelId> from;  ///< What held the role before; null when nothing did.
  std::optional<ModelId> to;    ///< What holds it now.
  BasisPoints share_before;
  BasisPoints share_after;
  std::optional<Revision> undoes;  ///< On a rollback: the promotion it inverted.
  std::string actor;
  std::string origin;  ///< "api", "cli", "demo", "seed", …
  std::string reason;
  std::string request_id;
  std::string
      evidence;  ///< JSON object with what the fields above cannot say (arms, salts), or empty.
  WallTime at;
  std::string previous_hash;  ///< Hash of the row before this one; empty on the first.
  std::string hash;           ///< SHA-256 over every other field, in hex.
};

}  // namespace podium
