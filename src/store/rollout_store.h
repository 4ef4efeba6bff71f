// What rollouts need of the registry beside its mutations: rows, leases, evidence, verdicts.
//
// That a rollout moves traffic is a mutation of the registry (mutation.h), in one transaction with
// its row. What stands here takes no revision.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "base/result.h"
#include "domain/rollout.h"
#include "store/registry_store.h"

namespace podium::store {

/// What one replica has counted of one arm in one epoch since it started: cumulative, so that
/// writing it again changes nothing.
struct RolloutCount {
  RolloutId rollout;
  std::uint32_t epoch = 0;
  std::string incarnation;  ///< Of the replica.
  bool canary = false;
  std::uint64_t units = 0;  ///< Requests; with sticky units keys at their first sight.
  std::uint64_t requests = 0;
  std::array<std::uint64_t, kRolloutSeries> bad{};  ///< Unit = request only.
  /// Not counted: named by header, an arm not ready, without the key that is demanded.
  std::uint64_t ineligible = 0;
  bool operator==(const RolloutCount&) const = default;
};

/// A key with a bad outcome, as one replica has seen it in one epoch and series. Cumulative too.
struct RolloutHit {
  RolloutId rollout;
  std::uint32_t epoch = 0;
  std::uint32_t series = 0;
  std::uint64_t unit = 0;   ///< The hash whose bucket decided: the arm follows from it.
  std::string incarnation;  ///< Of the replica.
  bool canary = false;
  std::uint32_t first_rank = 0;
  std::uint32_t second_rank = 0;  ///< UINT32_MAX: it had one bad outcome.
  std::uint32_t bad = 0;          ///< Among its first 16 requests.
  std::uint32_t seen = 0;         ///< Its requests there so far, at most 255.
  bool operator==(const RolloutHit&) const = default;
};

/// By epoch: a number that grows with each write of its keys. -1: not known.
using EpochVersions = std::vector<std::int64_t>;

/// One consistent view, with the database's clock.
struct RolloutEvidence {
  Rollout rollout;
  std::vector<RolloutCount> counts;
  std::vector<RolloutHit> hits;  ///< Of the epochs that were asked for.
  EpochVersions versions;        ///< Of all epochs of the rollout.
  WallTime now;
};
/// Whether a reader who knows `known` has the keys of `epoch` as they are at `versions`.
bool IsKnownEpoch(const EpochVersions& known, const EpochVersions& versions, std::size_t epoch);

/// Who may drive a rollout, and the number by which the store tells that driver from those before.
struct RolloutLease {
  std::string owner;  ///< A replica's incarnation.
  std::int64_t token = 0;
  WallTime until;
};

/// A verdict with all that it was computed from, both as JSON (rollout module's forms).
struct RolloutVerdict {
  RolloutId rollout;
  std::int64_t number = 0;  ///< From 1; 0 is the latest look, overwritten by each.
  WallTime at;              ///< Stamped by the store.
  std::string decision;     ///< "hold", "step-up", …
  std::string sentence;
  std::string evidence;
  std::string verdict;
  bool operator==(const RolloutVerdict&) const = default;
};

/// Of one rollout what is newest: as a rule all that anybody asks for.
struct LatestVerdicts {
  std::optional<RolloutVerdict> look;      ///< Number 0.
  std::optional<RolloutVerdict> decision;  ///< The highest number, above 0.
};

struct VerdictQuery {
  std::int64_t after = -1;  ///< Only higher numbers.
  int limit = limits::kPageDefault;
};
/// Ascending numbers. It ends early behind the verdict that takes it to limits::kMaxVerdictBytes.
struct VerdictPage {
  std::vector<RolloutVerdict> items;
  bool more = false;
};
/// Whether `page` takes no further verdict.
bool IsFull(const VerdictPage& page, const VerdictQuery& query);

/// What a look was taken by: it is kept only where both still stand.
struct LookPin {
  std::int64_t token = 0;  ///< Of the driver's lease.
  Revision seen;           ///< Of the rollout's row.
};

/// kConflict, saying which, unless the rollout stands at both parts of `pin`.
Status CheckLook(const RolloutId& id, const LookPin& pin, std::int64_t token, Revision revision);

struct RolloutQuery {
  std::optional<RouteName> route;
  bool running_only = false;
  int limit = limits::kPageDefault;
  std::string cursor;
};

/// Threads: all methods from any thread. A busy database is waited for, as in RegistryStore.
class RolloutStore {
 public:
  virtual ~RolloutStore() = default;

  virtual Result<Rollout> FindRollout(const RolloutId& id) = 0;  ///< kNotFound
  /// Newest first.
  virtual Result<Page<Rollout>> ListRollouts(const RolloutQuery& query) = 0;

  /// The lease, prolonged or taken over once it ran out, with a token above all earlier ones;
  /// nullopt while another one holds it.
  virtual Result<std::optional<RolloutLease>> TakeLease(const RolloutId& id,
                                                        const std::string& owner,
                                                        std::chrono::milliseconds duration) = 0;
  /// Who holds it now; nullopt: nobody, or there is no such rollout. The database's clock.
  virtual Result<std::optional<RolloutLease>> FindLease(const RolloutId& id) = 0;
  /// So that the next one need not wait. Nothing happens when it is another's.
  virtual Status GiveUpLease(const RolloutId& id, const std::string& owner) = 0;

  /// Upserts by (rollout, epoch, arm, incarnation) and (rollout, epoch, series, unit, incarnation);
  /// numbers never fall. What is of no rollout in the table, or of one that ended, is passed over.
  virtual Status RecordEvidence(std::span<const RolloutCount> counts,
                                std::span<const RolloutHit> hits) = 0;
  /// Keys only of epochs that have changed since `known`. kNotFound.
  virtual Result<RolloutEvidence> ReadEvidence(const RolloutId& id,
                                               const EpochVersions& known = {}) = 0;
  /// Rows of keys that there are of one series of an epoch.
  virtual Result<std::uint64_t> CountHits(const RolloutId& id, std::uint32_t epoch,
                                          std::uint32_t series) = 0;

  /// Keeps `verdict` as number 0, the latest look. kConflict: another one drives by now, or the
  /// rollout has moved since it was looked at.
  virtual Status KeepLook(const RolloutVerdict& verdict, const LookPin& pin) = 0;
  /// Those with a mutation come from there (MoveRollout::verdict). None for an unknown rollout.
  virtual Result<LatestVerdicts> ReadLatestVerdicts(const RolloutId& id) = 0;
  /// kInvalidArgument for a limit that no page has.
  virtual Result<VerdictPage> ReadVerdictPage(const RolloutId& id, const VerdictQuery& query) = 0;
  /// All of them, page by page, which may be hundreds of megabytes: for who checks them.
  Result<std::vector<RolloutVerdict>> ReadVerdicts(const RolloutId& id);
};

}  // namespace podium::store
