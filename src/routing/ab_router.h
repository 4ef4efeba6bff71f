// Champion or challenger by key, without a registry: the smallest router that Podium offers to a
// program that embeds it.
//
// A key is a challenger's when its hash in the layer of arms, read as a fraction of the whole
// range, lies below the weight. So the answer depends on salt, key and weight alone, any weight is
// honoured exactly, and raising the weight only moves keys from the champion to the challenger.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace podium::routing {

enum class AbSide : std::uint8_t { kChampion, kChallenger };

/// Threads: all methods may be called from any thread; a key that meets a change of the weight sees
/// the old one or the new one.
class AbRouter {
 public:
  /// `challenger_weight` within [0, 1], both ends allowed: 0 is nobody, 1 is everybody.
  /// kInvalidArgument for anything else (NaN and infinities too), and for a salt that is none.
  static Result<AbRouter> Create(double challenger_weight, std::string salt);
  AbRouter(AbRouter&&) noexcept;
  AbRouter& operator=(AbRouter&&) noexcept;
  ~AbRouter();

  /// Decides and counts. No lock, no allocation.
  AbSide Route(std::string_view key);

  /// As of the next Route. On an error the old weight stays.
  Status SetWeight(double challenger_weight);
  double weight() const;

  std::uint64_t champion_requests() const;
  std::uint64_t challenger_requests() const;

 private:
  struct State;
  explicit AbRouter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;  // Behind a pointer, since atomics do not move.
};

}  // namespace podium::routing
