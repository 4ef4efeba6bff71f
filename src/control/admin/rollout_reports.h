// What callers report of a rollout's custom metrics, read from a body and turned into evidence.
// Pure.
//
// An outcome counts by the ticket of its answer, so for the arm and the epoch in which its request
// was assigned. Only what is bad counts, each unit once in an epoch: a report that is sent again
// changes nothing, and none can be taken back.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "domain/evidence_ticket.h"
#include "domain/rollout.h"
#include "store/rollout_store.h"

namespace podium::limits {
inline constexpr std::size_t kMaxReports = 1'000;  ///< Of one request.
/// Bad units of one custom metric that are kept of one epoch. Nothing further counts there: to
/// stop by what both arms have shown together keeps the tests right.
inline constexpr std::uint64_t kMaxReportedUnits = 100'000;
}  // namespace podium::limits

namespace podium::control {

struct MetricReport {
  EvidenceTicket ticket;
  std::string metric;
  double value = 0;
};
/// {"items": [{"ticket", "metric", "value"}]}; false and true are 0 and 1. kInvalidArgument says
/// which item is wrong, and how: then none is taken.
Result<std::vector<MetricReport>> ReadReports(const Json& body);

/// What became of them.
struct TakenReports {
  std::vector<store::RolloutHit> hits;  ///< Of those that are bad.
  std::size_t good = 0;
  std::size_t of_others = 0;  ///< Of tickets of other rollouts: passed over.
};
/// kInvalidArgument for a metric that no guard of the rollout is about, or for an epoch that it
/// has not had.
Result<TakenReports> TakeReports(const Rollout& rollout, const std::vector<MetricReport>& reports);

}  // namespace podium::control
