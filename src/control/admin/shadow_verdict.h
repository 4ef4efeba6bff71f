// What a shadow's counts come to, in sentences with numbers: the paired tests of rollout/paired.h.
//
// Pure. Pairs are of one replica since it started; the tests are valid however often one looks.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "view/shadow_tally.h"

namespace podium::control {

/// How often the two agree, with its confidence sequence: it holds at every look at once.
struct AgreementInterval {
  double rate = 0;
  double low = 0;
  double high = 1;
};
/// nullopt before the first pair that can be compared.
std::optional<AgreementInterval> AgreementOf(const view::ShadowCounts& counts, double alpha = 0.05);

/// "worse", "not worse", "no verdict yet".
struct PairedVerdict {
  std::string about;  ///< "errors", "latency", "agreement".
  std::string verdict;
  std::string sentence;
};
/// Errors first, then latency, then agreement if answers could be compared. `other` is what the
/// sentences call the version that is compared with the primary: "the shadow".
std::vector<PairedVerdict> PairedVerdicts(const view::ShadowCounts& counts, std::string_view other,
                                          double alpha = 0.05);

/// Counters, latency_delta, agreement and verdicts, as the API shows them.
Json PairsJson(const view::ShadowCounts& counts, std::string_view other);

}  // namespace podium::control
