// A shadow runner's challenger as a row of a registry: registered once, away from the calls.
#pragma once

#include <podium/registry.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>

namespace podium::v1 {

/// Threads: all methods from any thread.
class ShadowCandidate {
 public:
  /// Between a registration that failed and the next.
  static constexpr std::chrono::minutes kRetry{1};

  /// Without a registry there is nothing to do. It outlives this.
  ShadowCandidate(Registry* registry, NewVersion candidate);

  /// Its calls are the champion's: it is no challenger now.
  bool IsPrimary() const;

  /// True for one caller when a registration is due: it owes a Register or an Abandon.
  bool ClaimTry(SteadyTime now);
  void Register();
  void Abandon(std::string why);

  std::string trouble() const;  ///< Why the last try failed; empty when it did not.

 private:
  Registry* const registry_;
  const NewVersion version_;
  std::atomic<bool> settled_;  // Registered, or nothing to register.
  mutable std::mutex mutex_;   // Over all below.
  bool trying_ = false;
  bool tried_ = false;
  SteadyTime last_try_;
  std::string trouble_;
};

}  // namespace podium::v1
