// Choose: which version a unit is assigned to. The decision that Podium exists for.
//
// Pure: rows and a unit in, a Decision out. No clock, lock, allocation or randomness; the same
// route, unit and generation give the same assignment on every replica, platform and release
// (invariant 5). It sees rows only: whether the version is ready is the replica's own affair
// (serve_chain.h).
#pragma once

#include <cstdint>
#include <string_view>

#include "domain/ids.h"
#include "domain/traffic.h"
#include "routing/bucket.h"
#include "routing/table.h"

namespace podium::routing {

enum class Reason : std::uint8_t {
  kPrimary,    ///< No layer took the unit.
  kCanary,     ///< The canary layer did.
  kArm,        ///< An arm's slot did.
  kOverride,   ///< A permitted caller named the version.
  kNoPrimary,  ///< The route has nothing to assign.
};
std::string_view NameOf(Reason reason);

/// Enough to replay the choice. Borrows from the view: valid while that is pinned.
struct Decision {
  const CompiledRoute* route = nullptr;
  VersionIndex version = kNoVersion;  ///< The assigned version; kNoVersion with kNoPrimary.
  Reason reason = Reason::kNoPrimary;
  Bucket bucket;  ///< Of the layer that decides: arms for ab, else the canary's (or route's) salt.
  /// Probability of this assignment under the randomisation; 1 for an override or without a split.
  double propensity = 1.0;
  Generation generation;
  UnitKind unit_kind = UnitKind::kRequest;
  bool sticky = true;  ///< False when the unit is an id that Podium made up for this request.
  /// A rollout demands an id that did not come: the primary's, whatever the bucket.
  bool keyless = false;

  bool canary() const { return reason == Reason::kCanary; }
  /// The bucket decided between two versions: no wish, no missing id and no missing version did.
  bool randomised() const;
};

/// The ids that came with a request; empty when absent.
struct RequestIds {
  std::string_view session;
  std::string_view user;
  std::string_view request;  ///< The caller's, or the one Podium made.
  bool request_made_here = false;
};

/// What a route hashes a unit with.
struct BucketInput {
  Layer layer = Layer::kCanary;
  std::string_view salt;  ///< Borrowed from the route.
};
BucketInput BucketInputOf(const CompiledRoute& route);

/// What the layers of a route make of one fine bucket.
struct Assignment {
  VersionIndex version = kNoVersion;
  Reason reason = Reason::kNoPrimary;
  int out_of_whole = BasisPoints::kWhole;  ///< Its probability in basis points.
};
/// REQUIRES: 0 <= fine < 10,000.
Assignment AssignmentAt(const CompiledRoute& route, int fine);

/// The unit that `sticky_on` asks for: (user,) session, else request.
Unit UnitOf(UnitKind sticky_on, const RequestIds& ids);
/// The same for a route, whose rollout may demand another (SplitUnit): the request itself, or a
/// session or user and nothing else; what comes without it shows the bucket of its request id.
Unit UnitOf(const CompiledRoute& route, const RequestIds& ids);

Decision Choose(const CompiledRoute& route, Generation generation, const RequestIds& ids);

/// The version that an override names: its model_id, or its version string on this route.
/// kNoVersion when the route has no such version, or several of that version string.
VersionIndex FindOverride(const CompiledRoute& route, std::string_view wanted);
Decision ChooseOverride(const CompiledRoute& route, Generation generation, const RequestIds& ids,
                        VersionIndex version);

}  // namespace podium::routing
