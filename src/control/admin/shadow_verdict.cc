#include "control/admin/shadow_verdict.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>

#include "rollout/paired.h"

namespace podium::control {
namespace {

/// So many times as often as the primary, and it is shown to be no worse.
constexpr double kNotWorseBelow = 1.5;

// The least rate that the counts do not rule out: where the test's evidence falls below 1/alpha.
double LowestRate(std::uint64_t agreed, std::uint64_t pairs, double alpha) {
  const double enough = std::log(1 / alpha);
  double low = 0;
  double high = static_cast<double>(agreed) / static_cast<double>(pairs);
  for (int i = 0; i < 50; ++i) {
    const double middle = (low + high) / 2;
    const bool ruled_out =
        middle > 0 && middle < 1 && rollout::LogAgreementE(agreed, pairs, middle) >= enough;
    (ruled_out ? low : high) = middle;
  }
  return low;
}

// exp(log_e), readable at any size.
std::string EvidenceText(double log_e) {
  return log_e > std::log(1e6) ? "over 1,000,000" : fmt::format("{:.3g}", std::exp(log_e));
}

struct PairWords {
  const char* about;
  const char* worse;  ///< "failed where the primary answered"
  const char* opposite;
};

PairedVerdict Judge(const rollout::PairCounts& counts, const PairWords& words,
                    std::string_view other, double alpha) {
  const double enough = std::log(1 / alpha);
  const double worse = rollout::LogPairedRegressionE(counts);
  const double fine = rollout::LogPairedNonInferiorityE(counts, kNotWorseBelow);
  const std::string numbers =
      fmt::format("{} {} on {} calls, {} on {}, of {} that both saw", other, words.worse,
                  counts.challenger_worse, words.opposite, counts.champion_worse,
                  counts.challenger_worse + counts.champion_worse + counts.ties);
  if (worse >= enough) {
    return {words.about, "worse",
            fmt::format("{}: it is worse (evidence {}, {:.0f} needed)", numbers,
                        EvidenceText(worse), 1 / alpha)};
  }
  if (fine >= enough) {
    return {words.about, "not worse",
            fmt::format("{}: it is worse less than {} times as often as the primary (evidence {}, "
                        "{:.0f} needed)",
                        numbers, kNotWorseBelow, EvidenceText(fine), 1 / alpha)};
  }
  return {words.about, "no verdict yet",
          fmt::format("{}: no verdict yet (evidence for worse {}, for not worse {}; {:.0f} needed)",
                      numbers, EvidenceText(worse), EvidenceText(fine), 1 / alpha)};
}

double Milliseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

}  // namespace

std::optional<AgreementInterval> AgreementOf(const view::ShadowCounts& counts, double alpha) {
  const std::uint64_t pairs = counts.agreed + counts.disagreed;
  if (pairs == 0) return std::nullopt;
  // Half of alpha for each side.
  return AgreementInterval{static_cast<double>(counts.agreed) / static_cast<double>(pairs),
                           LowestRate(counts.agreed, pairs, alpha / 2),
                           1 - LowestRate(counts.disagreed, pairs, alpha / 2)};
}

std::vector<PairedVerdict> PairedVerdicts(const view::ShadowCounts& counts, std::string_view other,
                                          double alpha) {
  std::vector<PairedVerdict> verdicts;
  const std::uint64_t one_failed = counts.only_challenger_failed + counts.only_champion_failed;
  verdicts.push_back(
      Judge({counts.only_challenger_failed, counts.only_champion_failed, counts.pairs - one_failed},
            {"errors", "failed where the primary answered", "answered where the primary failed"},
            other, alpha));
  if (counts.slower + counts.faster + counts.as_fast > 0) {
    verdicts.push_back(Judge({counts.slower, counts.faster, counts.as_fast},
                             {"latency", "was slower by more than 10 %", "faster by that"}, other,
                             alpha));
  }
  if (const auto agreement = AgreementOf(counts, alpha)) {
    verdicts.push_back(
        {"agreement", "shown",
         fmt::format("{} agreed with the primary on {} of {} answers: {:.2f} % ({:.2f} to {:.2f} % "
                     "at {:.0f} % confidence, at every look)",
                     other, counts.agreed, counts.agreed + counts.disagreed, 100 * agreement->rate,
                     100 * agreement->low, 100 * agreement->high, 100 * (1 - alpha))});
  }
  return verdicts;
}

Json PairsJson(const view::ShadowCounts& counts, std::string_view other) {
  Json json;
  json["total_requests"] = counts.total_requests;
  json["sampled_requests"] = counts.sampled_requests;
  json["challenger_errors"] = counts.challenger_errors;
  json["champion_errors"] = counts.champion_errors;
  json["pairs"] = counts.pairs;
  json["only_champion_failed"] = counts.only_champion_failed;
  json["only_challenger_failed"] = counts.only_challenger_failed;
  Json& delta = json["latency_delta_ms"];
  delta["pairs"] = counts.slower + counts.faster + counts.as_fast;
  delta["p50"] = Milliseconds(counts.DeltaQuantile(0.5));
  delta["p90"] = Milliseconds(counts.DeltaQuantile(0.9));
  delta["p99"] = Milliseconds(counts.DeltaQuantile(0.99));
  delta["slower"] = counts.slower;
  delta["faster"] = counts.faster;
  json["too_large_to_compare"] = counts.too_large;
  const auto interval = AgreementOf(counts);
  json["agreement"] = Json();
  if (interval) {
    json["agreement"] = {{"agreed", counts.agreed},
                         {"compared", counts.agreed + counts.disagreed},
                         {"rate", interval->rate},
                         {"low", interval->low},
                         {"high", interval->high}};
  }
  json["verdicts"] = Json::array();
  for (const PairedVerdict& verdict : PairedVerdicts(counts, other)) {
    json["verdicts"].push_back(
        {{"about", verdict.about}, {"verdict", verdict.verdict}, {"sentence", verdict.sentence}});
  }
  return json;
}

}  // namespace podium::control
