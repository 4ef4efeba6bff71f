// The candidate alone against a fixed rate, for what is too rare to be compared.
//
// statistics.md, section 1 (b): when nothing fails there is no label to look at, but a thousand
// calls without an error still say that the rate is low. Pure; natural logarithms.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "rollout/label_likelihood.h"

namespace podium::rollout {

/// Bad outcomes among the candidate's units: requests, or with sticky units keys.
struct AbsoluteCounts {
  double limit = 0.005;     ///< p0, in (0, 1)
  std::uint64_t bad = 0;    ///< REQUIRES: bad <= units.
  std::uint64_t units = 0;  ///< Units whose outcome is known.
};

/// ln E against "the rate is at least p0": mixture over p0 * 2^(-j/2), j = 1..8.
double LogAbsoluteE(const AbsoluteCounts& counts);

/// ln E against "the rate is at most p0": mixture over the odds of p0 times 2^(j/2), j = 1..8.
double LogAboveE(const AbsoluteCounts& counts);

/// ln E against "the ratio is at least `margin` and the rate is at least p0": the average of the
/// two tests, which is an e-process under any dependence. Without an absolute limit, the relative
/// test.
double LogPromotionE(std::span<const LabelCounts> steps, double margin,
                     const std::optional<AbsoluteCounts>& absolute);

}  // namespace podium::rollout
