#include "telemetry/gen_ai_metrics.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/clock.h"

namespace podium::telemetry {
namespace {

constexpr auto kSeconds = std::to_array<double>(
    {0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92});
constexpr auto kTokens = std::to_array<double>(
    {1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864});
constexpr auto kFirstTokenSeconds = std::to_array<double>(
    {0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0});
constexpr auto kPerTokenSeconds = std::to_array<double>(
    {0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5});
static_assert(std::max({kSeconds.size(), kTokens.size(), kFirstTokenSeconds.size(),
                        kPerTokenSeconds.size()}) +
                  1 <=
              HistogramPoint::kMaxBuckets);

std::size_t BucketOf(std::span<const double> bounds, double value) {
  return static_cast<std::size_t>(std::ranges::lower_bound(bounds, value) - bounds.begin());
}

/// One writer, any number of readers.
class AtomicHistogram {
 public:
  void Record(std::span<const double> bounds, double value) {
    Increase(buckets_[BucketOf(bounds, value)], std::uint64_t{1});
    Increase(sum_, value);
  }
  void Merge(const HistogramPoint& point) {
    for (std::size_t i = 0; i < buckets_.size(); ++i) Increase(buckets_[i], point.buckets[i]);
    Increase(sum_, point.sum);
  }
  HistogramPoint Read() const {
    HistogramPoint point;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      point.buckets[i] = buckets_[i].load(std::memory_order_relaxed);
    }
    point.sum = sum_.load(std::memory_order_relaxed);
    return point;
  }

 private:
  template <typename T>
  static void Increase(std::atomic<T>& value, T by) {
    value.store(value.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }

  std::array<std::atomic<std::uint64_t>, HistogramPoint::kMaxBuckets> buckets_{};
  std::atomic<double> sum_{0};
};

}  // namespace

std::span<const double> BoundsOf(Instrument instrument) {
  switch (instrument) {
    case Instrument::kClientInputTokens:
    case Instrument::kClientOutputTokens:
      return kTokens;
    case Instrument::kServerFirstToken:
      return kFirstTokenSeconds;
    case Instrument::kServerPerToken:
      return kPerTokenSeconds;
    case Instrument::kClientDuration:
    case Instrument::kClientFirstChunk:
    case Instrument::kClientPerChunk:
    case Instrument::kServerDuration:
      return kSeconds;
  }
  return kSeconds;
}

void HistogramPoint::Add(std::span<const double> bounds, double value) {
  ++buckets[BucketOf(bounds, value)];
  sum += value;
}

std::uint64_t HistogramPoint::count() const {
  return std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0});
}

void HistogramPoint::Merge(const HistogramPoint& other) {
  for (std::size_t i = 0; i < buckets.size(); ++i) buckets[i] += other.buckets[i];
  sum += other.sum;
}

struct GenAiMetrics::Series {
  SeriesKey key;
  const Series* older = nullptr;
  std::array<AtomicHistogram, kInstruments> histograms;

  void Record(Instrument instrument, double value) {
    Of(instrument).Record(BoundsOf(instrument), value);
  }
  AtomicHistogram& Of(Instrument instrument) {
    return histograms[static_cast<std::size_t>(instrument)];
  }
};

GenAiMetrics::GenAiMetrics(std::size_t max_series) : max_series_(max_series) {}
GenAiMetrics::~GenAiMetrics() = default;

SeriesView GenAiMetrics::Less::ViewOf(const SeriesKey& key) {
  return {key.server_port,    key.operation,  key.gen_ai_kind,    key.request_model,
          key.response_model, key.error_type, key.server_address, key.overflow};
}

void GenAiMetrics::RecordAttempt(const SeriesView& key, const AttemptFigures& figures) {
  Series& series = Find(key);
  series.Record(Instrument::kClientDuration, SecondsOf(figures.duration));
  if (figures.input_tokens) {
    series.Record(Instrument::kClientInputTokens, static_cast<double>(*figures.input_tokens));
  }
  if (figures.output_tokens) {
    series.Record(Instrument::kClientOutputTokens, static_cast<double>(*figures.output_tokens));
  }
  if (figures.first_chunk) {
    series.Record(Instrument::kClientFirstChunk, SecondsOf(*figures.first_chunk));
  }
  if (figures.between_chunks != nullptr) {
    series.Of(Instrument::kClientPerChunk).Merge(*figures.between_chunks);
  }
}

void GenAiMetrics::RecordCall(const SeriesView& key, const CallFigures& figures) {
  Series& series = Find(key);
  series.Record(Instrument::kServerDuration, SecondsOf(figures.duration));
  if (figures.first_token) {
    series.Record(Instrument::kServerFirstToken, SecondsOf(*figures.first_token));
  }
  if (figures.per_token) {
    series.Record(Instrument::kServerPerToken, SecondsOf(*figures.per_token));
  }
}

GenAiMetrics::Series& GenAiMetrics::Find(const SeriesView& key) {
  const auto found = series_.find(key);
  if (found != series_.end()) return *found->second;
  if (series_.size() < max_series_) {
    return Append({key.server_port, std::string(key.operation), std::string(key.gen_ai_kind),
                   std::string(key.request_model), std::string(key.response_model),
                   std::string(key.error_type), std::string(key.server_address), false});
  }
  if (overflow_ == nullptr) overflow_ = &Append({.overflow = true});
  return *overflow_;
}

GenAiMetrics::Series& GenAiMetrics::Append(SeriesKey key) {
  auto made = std::make_unique<Series>();
  Series& series = *made;
  series.key = key;
  series.older = newest_.load(std::memory_order_relaxed);
  series_.emplace(std::move(key), std::move(made));
  newest_.store(&series, std::memory_order_release);
  return series;
}

void GenAiMetrics::Collect(std::map<SeriesKey, SeriesPoint>& sums) const {
  const Series* series = newest_.load(std::memory_order_acquire);
  for (; series != nullptr; series = series->older) {
    SeriesPoint& point = sums.try_emplace(series->key).first->second;
    point.key = series->key;
    for (std::size_t i = 0; i < kInstruments; ++i) {
      point.histograms[i].Merge(series->histograms[i].Read());
    }
  }
}

}  // namespace podium::telemetry
