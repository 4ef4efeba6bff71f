#include <podium/metrics.h>

#include <functional>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <utility>

#include "base/histogram.h"
#include "base/json.h"
#include "base/limits.h"
#include "embed/convert.h"
#include "embed/ports.h"

namespace podium::v1 {
namespace {

double Milliseconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

/// Threads: any; one lock, so that a reader sees counts and latencies that belong together.
class ModelRecords {
 public:
  void Add(Outcome outcome, std::chrono::nanoseconds latency, WallTime now) {
    const std::lock_guard lock(mutex_);
    ++requests_;
    if (outcome != Outcome::kOk) ++errors_;
    if (outcome == Outcome::kTimeout) ++timeouts_;
    latency_.Record(latency);
    last_updated_ = std::max(last_updated_, now);
  }

  ModelMetrics Summary(const std::string& model_id) const {
    const std::lock_guard lock(mutex_);
    const HistogramSnapshot latency = latency_.Snapshot();
    ModelMetrics metrics;
    metrics.model_id = model_id;
    metrics.request_count = requests_;
    metrics.error_count = errors_;
    metrics.timeout_count = timeouts_;
    metrics.error_rate = static_cast<double>(errors_) / static_cast<double>(requests_);
    metrics.latency = {Milliseconds(latency.Quantile(0.50)), Milliseconds(latency.Quantile(0.95)),
                       Milliseconds(latency.Quantile(0.99))};
    metrics.last_updated = last_updated_;
    return metrics;
  }

 private:
  mutable std::mutex mutex_;  // Over all below.
  std::uint64_t requests_ = 0;
  std::uint64_t errors_ = 0;
  std::uint64_t timeouts_ = 0;
  Histogram latency_;
  WallTime last_updated_;
};

podium::Status CheckRecord(std::string_view model_id, std::chrono::nanoseconds latency) {
  if (model_id.empty() || model_id.size() > limits::kMaxNameBytes) {
    return Fail(podium::ErrorCode::kInvalidArgument, "a model id has 1 to {} bytes, not {}",
                limits::kMaxNameBytes, model_id.size());
  }
  if (latency < std::chrono::nanoseconds(0)) {
    return Fail(podium::ErrorCode::kInvalidArgument,
                "a latency cannot be {} ns: take it from a steady clock", latency.count());
  }
  return {};
}

podium::Failure NothingRecorded(std::string_view model_id) {
  return Fail(podium::ErrorCode::kNotFound, "nothing is recorded of a model {}", model_id);
}

}  // namespace

/// Recorders share the map and lock only their model; a new model or a reset takes the map.
class MetricsStore::Impl {
 public:
  explicit Impl(std::shared_ptr<const Clock> clock) : clock_(std::move(clock)) {}

  podium::Status Record(std::string_view model_id, Outcome outcome,
                        std::chrono::nanoseconds latency) {
    PODIUM_TRY(CheckRecord(model_id, latency));
    const WallTime now = clock_.Now();
    {
      const std::shared_lock lock(mutex_);
      if (const auto found = models_.find(model_id); found != models_.end()) {
        found->second->Add(outcome, latency, now);
        return {};
      }
    }
    const std::unique_lock lock(mutex_);
    auto found = models_.find(model_id);
    if (found == models_.end() && models_.size() >= kMaxModels) {
      return Fail(podium::ErrorCode::kLimited,
                  "metrics of {} models are kept already: reset those that are gone", kMaxModels);
    }
    if (found == models_.end()) {
      found = models_.emplace(model_id, std::make_unique<ModelRecords>()).first;
    }
    found->second->Add(outcome, latency, now);
    return {};
  }

  podium::Result<ModelMetrics> Get(std::string_view model_id) const {
    const std::shared_lock lock(mutex_);
    const auto found = models_.find(model_id);
    if (found == models_.end()) return NothingRecorded(model_id);
    return found->second->Summary(found->first);
  }

  std::vector<ModelMetrics> List() const {
    const std::shared_lock lock(mutex_);
    std::vector<ModelMetrics> all;
    all.reserve(models_.size());
    for (const auto& [model_id, records] : models_) all.push_back(records->Summary(model_id));
    return all;
  }

  podium::Status Reset(std::string_view model_id) {
    const std::unique_lock lock(mutex_);
    const auto found = models_.find(model_id);
    if (found == models_.end()) return NothingRecorded(model_id);
    models_.erase(found);
    return {};
  }

 private:
  const UserClock clock_;
  mutable std::shared_mutex mutex_;
  std::map<std::string, std::unique_ptr<ModelRecords>, std::less<>> models_;  // Under mutex_.
};

std::string ToJson(const ModelMetrics& metrics) {
  Json json = Json::object();
  json["model_id"] = metrics.model_id;
  json["request_count"] = metrics.request_count;
  json["error_count"] = metrics.error_count;
  json["timeout_count"] = metrics.timeout_count;
  json["error_rate"] = metrics.error_rate;
  json["latency"] = {
      {"p50", metrics.latency.p50}, {"p95", metrics.latency.p95}, {"p99", metrics.latency.p99}};
  json["last_updated"] = FormatUtc(metrics.last_updated);
  return DumpJson(json);
}

MetricsStore::MetricsStore(std::shared_ptr<const Clock> clock)
    : impl_(std::make_unique<Impl>(std::move(clock))) {}
MetricsStore::MetricsStore(MetricsStore&&) noexcept = default;
MetricsStore& MetricsStore::operator=(MetricsStore&&) noexcept = default;
MetricsStore::~MetricsStore() = default;

Status MetricsStore::Record(std::string_view model_id, Outcome outcome,
                            std::chrono::nanoseconds latency) {
  return PublicResult<void>(impl_->Record(model_id, outcome, latency));
}

Result<ModelMetrics> MetricsStore::Get(std::string_view model_id) const {
  return PublicResult<ModelMetrics>(impl_->Get(model_id));
}

std::vector<ModelMetrics> MetricsStore::List() const { return impl_->List(); }

Status MetricsStore::Reset(std::string_view model_id) {
  return PublicResult<void>(impl_->Reset(model_id));
}

}  // namespace podium::v1
