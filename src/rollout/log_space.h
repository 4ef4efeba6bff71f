// Sums of numbers whose logarithms are all that fits into a double.
//
// An e-value after ten million events is e to the 9,810th power, so e-values are never formed:
// every function of this module takes and gives natural logarithms.
#pragma once

#include <span>

namespace podium::rollout {

/// ln(sum of e^x); minus infinity for no terms. A term of plus infinity wins.
double LogSumExp(std::span<const double> logs);
/// ln(mean of e^x). REQUIRES: at least one term.
double LogMeanExp(std::span<const double> logs);
/// ln(e^a + e^b).
double LogAddExp(double a, double b);

/// ln Gamma(x) by the reentrant function: std::lgamma writes a global sign. REQUIRES: x > 0.
/// Extended precision where the platform has it: at 10^7 counts, differences of two values in
/// double lose 1e-8.
long double LogGamma(long double x);

}  // namespace podium::rollout
