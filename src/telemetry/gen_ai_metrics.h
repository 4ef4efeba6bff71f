// The `gen_ai.*` metrics of one core: histograms by what was asked of whom. Exact: unlike spans
// they are never dropped, and a call costs one search among the series and a few additions.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace podium::telemetry {

/// What one histogram is of, in the order in which they are exported.
enum class Instrument : std::uint8_t {
  kClientDuration,      ///< `gen_ai.client.operation.duration`, s
  kClientInputTokens,   ///< `gen_ai.client.token.usage`, {token}, of the type input
  kClientOutputTokens,  ///< the same, of the type output
  kClientFirstChunk,    ///< `gen_ai.client.operation.time_to_first_chunk`, s
  kClientPerChunk,      ///< `gen_ai.client.operation.time_per_output_chunk`, s
  kServerDuration,      ///< `gen_ai.server.request.duration`, s
  kServerFirstToken,    ///< `gen_ai.server.time_to_first_token`, s
  kServerPerToken,      ///< `gen_ai.server.time_per_output_token`, s, without the first
};
inline constexpr std::size_t kInstruments = 8;
/// Upper bounds of the buckets, inclusive, as the conventions advise.
std::span<const double> BoundsOf(Instrument instrument);

/// Of one core; of all series beyond these there is one, marked `otel.metric.overflow`.
inline constexpr std::size_t kMaxMetricSeries = 1000;

/// What tells series apart: the attributes of their points. Empty ones are left out.
template <typename Text>
struct SeriesKeyOf {
  std::uint16_t server_port = 0;
  Text operation{};
  Text gen_ai_kind{};  ///< `gen_ai.provider.name`
  Text request_model{};
  Text response_model{};
  Text error_type{};
  Text server_address{};
  bool overflow = false;

  auto operator<=>(const SeriesKeyOf&) const = default;
};
using SeriesKey = SeriesKeyOf<std::string>;
using SeriesView = SeriesKeyOf<std::string_view>;

/// One histogram at one moment.
struct HistogramPoint {
  static constexpr std::size_t kMaxBuckets = 17;
  std::array<std::uint64_t, kMaxBuckets> buckets{};  ///< As many as there are bounds, and one.
  double sum = 0;

  void Add(std::span<const double> bounds, double value);
  std::uint64_t count() const;
  void Merge(const HistogramPoint& other);
};

struct SeriesPoint {
  SeriesKey key;
  std::array<HistogramPoint, kInstruments> histograms;
};

/// What one attempt at a provider has to say.
struct AttemptFigures {
  std::chrono::nanoseconds duration{};
  std::optional<std::chrono::nanoseconds> first_chunk;
  /// Tokens as billed; nothing of those that nobody has reported.
  std::optional<std::int64_t> input_tokens;
  std::optional<std::int64_t> output_tokens;
  /// From each chunk of a stream to the next, in seconds: of kClientPerChunk. May be null.
  const HistogramPoint* between_chunks = nullptr;
};

/// What one call has to say.
struct CallFigures {
  std::chrono::nanoseconds duration{};
  std::optional<std::chrono::nanoseconds> first_token;
  std::optional<std::chrono::nanoseconds> per_token;  ///< Of those after the first, on average.
};

/// Threads: records on its core; Collect on any thread.
class GenAiMetrics {
 public:
  explicit GenAiMetrics(std::size_t max_series = kMaxMetricSeries);
  ~GenAiMetrics();
  GenAiMetrics(const GenAiMetrics&) = delete;
  GenAiMetrics& operator=(const GenAiMetrics&) = delete;

  void RecordAttempt(const SeriesView& key, const AttemptFigures& figures);
  void RecordCall(const SeriesView& key, const CallFigures& figures);

  /// Adds what this core has to `sums`: since the start, each series once.
  void Collect(std::map<SeriesKey, SeriesPoint>& sums) const;

 private:
  struct Series;
  Series& Find(const SeriesView& key);
  Series& Append(SeriesKey key);

  /// Compares what is kept with what is looked for.
  struct Less {
    using is_transparent = void;
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return ViewOf(a) < ViewOf(b);
    }
    static SeriesView ViewOf(const SeriesView& key) { return key; }
    static SeriesView ViewOf(const SeriesKey& key);
  };

  const std::size_t max_series_;
  std::map<SeriesKey, std::unique_ptr<Series>, Less> series_;  // The core's.
  Series* overflow_ = nullptr;
  std::atomic<const Series*> newest_{nullptr};  // A list that only grows: what others read.
};

}  // namespace podium::telemetry
