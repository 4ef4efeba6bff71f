// The plain rule of requirement E1, as arithmetic: one success rate, one threshold, one step.
//
// Alone in its file because two walk by it: the rollouts of a server in basis points, libpodium's
// controller in fractions.
#pragma once

#include <cstdint>
#include <optional>

namespace podium::rollout {

/// Successes / total; 0 while nothing is recorded, so that no data never steps unless 0 will do.
double SuccessRate(std::uint64_t successes, std::uint64_t total);

/// Share, step and maximum in one unit, whichever it is: whole numbers stay whole.
struct PlainStep {
  double share = 0;  ///< As it is.
  double step = 0;
  double most = 0;
  double rate = 0;  ///< Of success.
  double threshold = 0;
};
/// min(share + step, most) where the rate reaches the threshold and the share is below `most`;
/// else nullopt: it stays as it is, above `most` too.
std::optional<double> NextShare(const PlainStep& step);

}  // namespace podium::rollout
