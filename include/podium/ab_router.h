// AbRouter: champion or challenger by key, without a registry.
//
// The answer depends on salt, key and weight alone: any weight is honoured exactly, and raising it
// only moves keys from the champion to the challenger.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <podium/error.h>

namespace podium::v1 {

enum class Side : std::uint8_t { kChampion, kChallenger };

/// Threads: all methods from any thread; a key that meets a change of the weight sees the old one
/// or the new one. A moved-from router may only be assigned to or destroyed.
class [[gnu::visibility("default")]] AbRouter {
 public:
  /// `challenger_weight` within [0, 1], both ends allowed: 0 is nobody, 1 everybody. Tests that
  /// must not know of each other take different salts: 1 to 64 of [A-Za-z0-9._-]. kInvalidArgument
  /// for anything else, NaN and infinities included.
  static Result<AbRouter> Create(double challenger_weight, std::string salt);
  AbRouter(AbRouter&&) noexcept;
  AbRouter& operator=(AbRouter&&) noexcept;
  ~AbRouter();

  /// Decides and counts. No lock, no allocation.
  Side Route(std::string_view key);

  /// As of the next Route. kInvalidArgument as for Create; then the old weight stays.
  Status SetWeight(double challenger_weight);
  double weight() const;

  std::uint64_t champion_requests() const;
  std::uint64_t challenger_requests() const;

 private:
  class [[gnu::visibility("hidden")]] Impl;
  [[gnu::visibility("hidden")]] explicit AbRouter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace podium::v1
