#include "app/demo_stats.h"

#include "base/assert.h"

namespace podium::app {
namespace {

std::chrono::seconds SecondOf(SteadyTime time) {
  return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch());
}

}  // namespace

std::optional<double> DemoFigures::accuracy() const {
  if (answered() == 0) return std::nullopt;
  return static_cast<double>(right) / static_cast<double>(answered());
}

void DemoStats::Record(const DemoOutcome& outcome) {
  PODIUM_ASSERT(outcome.route < routes_.size());
  Route& route = routes_[outcome.route];
  const bool known = route.versions.contains(outcome.model_id);
  const std::string key =
      known || route.versions.size() < kMaxVersions ? outcome.model_id : std::string();
  Counts& counts = route.versions[key];
  ++counts.requests;
  ++requests_;
  if (!outcome.ok) {
    ++counts.errors;
    ++errors_;
  } else {
    if (outcome.right) ++counts.right;
    counts.latency->Record(outcome.latency);
  }

  const std::chrono::seconds second = SecondOf(outcome.at);
  if (route.window.empty() || route.window.back().at < second) {
    route.window.push_back(Second{second, {}});
  }
  ++route.window.back().requests[key];
  while (route.window.front().at <= second - kWindow) route.window.pop_front();
}

void DemoStats::RestartWindow(std::size_t route) { routes_[route].window.clear(); }

std::map<std::string, DemoFigures> DemoStats::Read(std::size_t route, SteadyTime now) const {
  const std::chrono::seconds second = SecondOf(now);
  std::map<std::string, std::uint64_t> seen;
  std::uint64_t all = 0;
  for (const Second& part : routes_[route].window) {
    if (part.at <= second - kWindow) continue;
    for (const auto& [model_id, count] : part.requests) {
      seen[model_id] += count;
      all += count;
    }
  }

  std::map<std::string, DemoFigures> figures;
  for (const auto& [model_id, counts] : routes_[route].versions) {
    DemoFigures& one = figures[model_id];
    one.requests = counts.requests;
    one.errors = counts.errors;
    one.right = counts.right;
    if (all > 0) one.share_seen = static_cast<double>(seen[model_id]) / static_cast<double>(all);
    const HistogramSnapshot latency = counts.latency->Snapshot();
    one.p50 = latency.Quantile(0.50);
    one.p95 = latency.Quantile(0.95);
    one.p99 = latency.Quantile(0.99);
  }
  return figures;
}

}  // namespace podium::app
