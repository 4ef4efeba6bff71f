// Registry: which versions there are, and which of them serve. The table that routes.
//
// In memory, or in one SQLite file that several processes, podium servers among them, may share.
// It has no thread and no socket. Every change is one transaction with its entry in the audit
// trail, and new snapshots show it before the verb returns.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <podium/clock.h>
#include <podium/executor.h>
#include <podium/random.h>
#include <podium/snapshot.h>

namespace podium::v1 {

struct RegistryOptions {
  std::shared_ptr<const Clock> clock;  ///< Null: SystemClock().
  std::shared_ptr<Random> random;      ///< Null: SystemRandom().
  /// Where the table is read again when a Pin finds the snapshot older than `cache_ttl`. The Pin
  /// does not wait for it. Without an executor only the registry's own changes and Refresh bring
  /// new snapshots.
  Executor executor;
  std::chrono::milliseconds cache_ttl{30'000};
  /// Providers beside this program itself. Versions of others are set aside (Health::set_aside).
  std::vector<std::string> providers;
  std::string actor = "local";  ///< Who the audit trail says it was.
};

/// One arm of an A/B split.
struct Arm {
  std::string id;
  double weight = 0.0;  ///< 0.0 to 1.0 in steps of 0.0001.
};

/// One entry of the audit trail.
struct AuditEntry {
  std::int64_t revision = 0;  ///< Its number, without gaps.
  std::string name;
  std::string kind;  ///< "register", "activate", "promote", "rollback", "ramp", "abort", …
  std::string from;  ///< Id of what held the role before; empty when nothing did.
  std::string to;
  double weight_before = 0.0;
  double weight_after = 0.0;
  std::string actor;
  std::string reason;
  WallTime at;
};

/// How the snapshots stand against the table.
struct Health {
  std::uint64_t generation = 0;  ///< Of the newest snapshot.
  SteadyTime confirmed_at;       ///< When the table was last seen to be what the snapshot shows.
  std::string trouble;           ///< Why the last read failed; empty when it did not.
  std::vector<std::string> set_aside;  ///< Rows that make no sense, and what to do about each.
};

/// Threads: all methods from any thread; changes wait for one another. A moved-from registry may
/// only be assigned to or destroyed. What does not exist is kNotFound; a registry that cannot be
/// reached is kUnavailable, and Pin goes on with the last snapshot.
class [[gnu::visibility("default")]] Registry {
 public:
  static Result<Registry> InMemory(RegistryOptions options = {});
  /// Opens or creates the file, for its owner's eyes only, and its directory.
  static Result<Registry> Open(const std::string& path, RegistryOptions options = {});
  Registry(Registry&&) noexcept;
  Registry& operator=(Registry&&) noexcept;
  ~Registry();

  /// The version takes no traffic yet, even if it is the first. kConflict when its id, or its name
  /// and version, are registered already.
  Result<ModelVersion> Register(const NewVersion& version);
  /// As Register, but a shadow: Promote takes it without a canary before. Done again it changes
  /// nothing: a version of that name and version (and id, if one is given) is given back as it
  /// stands, whatever became of it.
  Result<ModelVersion> RegisterShadow(const NewVersion& version);
  Result<ModelVersion> Get(std::string_view id) const;
  /// All of a name, oldest first; empty when there are none.
  Result<std::vector<ModelVersion>> List(std::string_view name) const;
  /// kNotFound when no version of the name is active.
  Result<ModelVersion> GetActive(std::string_view name) const;

  /// Makes the version primary, and all others of its name wait.
  Result<ModelVersion> Activate(std::string_view id, std::string_view reason = {});
  /// Puts it away for good. kConflict while it serves.
  Result<ModelVersion> Retire(std::string_view id, std::string_view reason = {});
  /// Also while it serves: then its name has no primary until another is activated.
  Status Delete(std::string_view id, std::string_view reason = {});

  /// Gives `weight` (0.0 to 1.0 in steps of 0.0001) of the ids to the version. Raising it only
  /// moves ids towards the canary; 0 is nobody, 1 everybody.
  Result<ModelVersion> SetCanary(std::string_view name, std::string_view id, double weight,
                                 std::string_view reason = {});
  Result<ModelVersion> EndCanary(std::string_view name, std::string_view reason = {});
  /// Canary to primary; the incumbent stays at hand for a rollback.
  Result<ModelVersion> Promote(std::string_view id, std::string_view reason = {});
  /// A canary's weight to 0 if it has one, else back to the primary before the newest promotion or
  /// activation not undone yet; each call undoes one more. kConflict when nothing is left. Gives
  /// the version that lost its weight, or that is primary again.
  Result<ModelVersion> RollBack(std::string_view name, std::string_view reason = {});
  /// Replaces all arms at once; what they leave of the whole stays with the primary. Empty ends it.
  Status SetArms(std::string_view name, const std::vector<Arm>& arms, std::string_view reason = {});

  /// The newest `limit` (1 to 500) audit entries of a name, newest first.
  Result<std::vector<AuditEntry>> History(std::string_view name, int limit = 50) const;

  /// The newest snapshot. Never fails and never waits for the table.
  Snapshot Pin() const;
  /// Reads what changed in the table, by other processes too. On an error the snapshot stays.
  Status Refresh();
  Health health() const;

 private:
  class [[gnu::visibility("hidden")]] Impl;
  [[gnu::visibility("hidden")]] explicit Registry(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace podium::v1
