// What may be asked of the registry, as values. Each is one transaction: rows, audit row, outbox
// event and revision together, or nothing.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "domain/follow.h"
#include "domain/promotion.h"
#include "domain/rollout.h"
#include "domain/route.h"
#include "domain/shadow.h"
#include "domain/signature.h"
#include "domain/version.h"

namespace podium::store {

/// The first version of an unknown route creates the route.
struct RegisterVersion {
  /// Fields that the store stamps (times, revision) are ignored; an empty model_id is minted.
  /// REQUIRES: status standby or shadow.
  ModelVersion version;
  /// B5: primary at once, if the route is not in the table yet; if it is, nothing happens. So what
  /// configuration says of a route becomes its first row, once.
  bool seed = false;
};
/// To primary; every other version of the route that is not retired to standby.
struct ActivateVersion {
  ModelId id;
};
struct RetireVersion {
  ModelId id;
};
struct DeleteVersion {
  ModelId id;
  bool allow_live = false;  ///< The library may delete a primary; the server may not.
};
/// Shadow or canary to primary, the incumbent to shadow.
struct PromoteVersion {
  ModelId id;
  bool abort_rollout = false;  ///< Of another version on that route; else that is a kConflict.
};
/// A canary's share to 0 if it has one, else the inverse of the newest promotion not yet undone. A
/// route that follows is held from then on.
struct RollBackRoute {
  RouteName route;
};
struct SetCanary {
  RouteName route;
  ModelId id;
  BasisPoints share;
};
struct EndCanary {
  RouteName route;
};
/// Replaces all arms at once; an empty list returns the route to the fixed policy.
struct SetArms {
  RouteName route;
  std::vector<RouteArm> arms;  ///< `slot` is ignored: the order of the list is the order of slots.
};

/// Who drives the route's traffic: a registered model, or nullopt for Podium's own verbs. Traffic
/// stays as it is. An unknown route is created; one that is held stays so with the same model.
struct SetFollow {
  RouteName route;
  std::optional<Follow> follow;  ///< `held`, `held_because` and `held_at` are ignored.
};
/// After a rollback: the route follows again.
struct ResumeFollow {
  RouteName route;
};

/// A verdict that is stored with the move it led to: all three are for whoever computes it again.
struct RolloutProof {
  std::string decision;  ///< "step-up", "roll-back", …
  std::string evidence;  ///< JSON
  std::string verdict;   ///< JSON
  WallTime at{};         ///< When it was found, by the database's clock.
};
/// Begins a rollout: the candidate becomes the canary with the first step's share. One at a time on
/// a route; none beside a split or another canary with a share.
struct StartRollout {
  RouteName route;
  ModelId candidate;
  RolloutPlan plan;
  RolloutEpoch first;  ///< What was frozen; `began_at` is stamped.
};
/// What becomes of a running rollout. Exactly one of the steps below.
enum class RolloutMove : std::uint8_t {
  kEpoch,     ///< `epoch` begins: the next step, another share, or a further part of a hold.
  kOpenGate,  ///< The present step's gate.
  kPause,
  kResume,
  kPage,      ///< The step is overdue: told once. Traffic stays.
  kPromote,   ///< The candidate becomes primary; ends it.
  kRollBack,  ///< Share 0 and the role of canary lost; ends it.
  kAbort,     ///< The same, in a person's name.
};
struct MoveRollout {
  RouteName route;
  RolloutId id;
  RolloutMove move = RolloutMove::kPause;
  std::optional<RolloutEpoch> epoch;  ///< Of kEpoch; `began_at` is stamped.
  std::optional<double> log_e_peak;   ///< Taken over if given.
  std::string said;                   ///< The sentence that goes with it.
  /// Of the driver: kConflict when it is not the newest one's. None: a person's.
  std::optional<std::int64_t> token;
  /// Of the driver: what it looked at; kConflict when the rollout was moved meanwhile.
  std::optional<Revision> seen;
  /// With a positive verdict in it, kPromote takes no named person (invariant 12).
  std::optional<RolloutProof> proof;
};

/// What the route's shadows get copies of; nullopt: nothing (any more).
struct SetShadow {
  RouteName route;
  std::optional<ShadowPlan> plan;
  /// From configuration: nothing happens if somebody has said anything about it before.
  bool seed = false;
};
/// Champion-challenger; nullopt ends it.
struct SetChallenger {
  RouteName route;
  std::optional<ChallengerPlan> plan;
};

using Mutation =
    std::variant<RegisterVersion, ActivateVersion, RetireVersion, DeleteVersion, PromoteVersion,
                 RollBackRoute, SetCanary, EndCanary, SetArms, SetFollow, ResumeFollow,
                 StartRollout, MoveRollout, SetShadow, SetChallenger>;

/// For std::visit: a lambda for each kind of mutation.
template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};

/// Under which a caller asks for one creation, however often it sends it.
struct IdempotencyKey {
  std::string key;          ///< Of this caller alone: a digest of its name and its key.
  std::string fingerprint;  ///< Digest of the request.
};

/// Who asks, and on what understanding of the present.
struct MutationContext {
  std::string actor = "local";
  std::string origin = "api";
  std::string reason;
  std::string request_id;
  /// Route::primary_since when the request was admitted; kConflict when it moved meanwhile.
  std::optional<Revision> pinned_primary;
  /// Whose canary had a share when the request was admitted, empty for nobody's; kConflict when it
  /// is another's now. A rollback admitted to stop a canary must not undo a promotion instead.
  std::optional<ModelId> pinned_canary;
  /// The arms when the request was admitted; kConflict when they are others now. What a split gains
  /// was made ready against those.
  std::optional<std::vector<RouteArm>> pinned_arms;
  /// It is the route's follower who asks: kConflict unless the route follows and is not held. On
  /// such a route nobody else moves traffic, but for a rollback.
  bool as_follower = false;
  /// It is Podium's guard, which ends a canary that does harm whoever drives the route.
  bool as_guard = false;
  /// What the follower went by; kConflict when the route follows something else now. Whether it is
  /// held is not compared.
  std::optional<Follow> pinned_follow;
  /// If-Match: revision of the version (or, for a verb on a route, of the route);
  /// kRevisionMismatch when it is another now.
  std::optional<Revision> if_match;

  /// The same key again is answered with what the first has done; kUnprocessable for another
  /// request under it.
  std::optional<IdempotencyKey> idempotency;

  /// Past a signature that does not fit the primary's; takes a named person.
  bool force = false;
  /// Whether `actor` names one: a shared token, or being local, does not.
  bool named_person = false;
  /// Of versions whose models are loaded here: it counts for more than what they were declared as.
  std::map<ModelId, Signature> loaded_signatures;
};

/// What the signature gate found about one version that was put in front of traffic.
struct SignatureFinding {
  ModelId candidate;
  ModelId primary;  ///< That its signature was compared with.
  SignatureFit fit;
  bool forced = false;  ///< It does not fit, and a named person wanted it all the same.
};

/// What a mutation left behind.
struct Committed {
  Revision revision;
  Promotion audit;
  Route route;                          ///< As it is now.
  std::optional<Rollout> rollout;       ///< That the mutation started, moved or ended.
  std::optional<ModelVersion> version;  ///< The row that the mutation was about, as it is now.
  bool changed = true;    ///< False when all was so already: nothing written, no new revision.
  bool replayed = false;  ///< It was done before, under the same key: `audit` is of then.
  std::vector<SignatureFinding> signatures;  ///< Of the versions put in front of traffic.
};

}  // namespace podium::store
