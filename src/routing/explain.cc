#include "routing/explain.h"

namespace podium::routing {
namespace {

bool SameFate(const Assignment& one, const BucketRun& other) {
  return one.version == other.version && one.reason == other.reason;
}

std::vector<BucketRun> RunsOf(const CompiledRoute& route) {
  std::vector<BucketRun> runs;
  for (int fine = 0; fine < BasisPoints::kWhole; ++fine) {
    const Assignment here = AssignmentAt(route, fine);
    if (runs.empty() || !SameFate(here, runs.back())) {
      runs.push_back({fine, fine, here.version, here.reason});
    }
    runs.back().end = fine + 1;
  }
  return runs;
}

std::size_t RunWith(const std::vector<BucketRun>& runs, int fine) {
  std::size_t hit = 0;
  while (fine >= runs[hit].end) ++hit;
  return hit;
}

// A share takes the lowest buckets, so a unit is in from the share one above its bucket.
std::optional<BasisPoints> CanaryFrom(const CompiledRoute& route, int fine) {
  const bool layered = route.policy == RoutePolicy::kFixed && route.canary != kNoVersion &&
                       !route.canary_salt.empty();
  if (!layered) return std::nullopt;
  return BasisPoints::From(fine + 1).value();
}

}  // namespace

Explanation Explain(const CompiledRoute& route, Generation generation, const RequestIds& ids) {
  Explanation explanation;
  explanation.decision = Choose(route, generation, ids);
  explanation.unit = UnitOf(route, ids);
  explanation.input = BucketInputOf(route);
  explanation.runs = RunsOf(route);
  explanation.hit = RunWith(explanation.runs, explanation.decision.bucket.fine);
  if (!explanation.decision.keyless) {
    explanation.canary_from = CanaryFrom(route, explanation.decision.bucket.fine);
  }
  return explanation;
}

}  // namespace podium::routing
