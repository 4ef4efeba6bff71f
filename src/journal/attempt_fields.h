// The layout of the two records of an attempt, once for both directions. Internal to journal.
#pragma once

#include <cstdint>

namespace podium::journal {

inline constexpr std::uint8_t kFormat = 1;  // Changes with the layout of the two records.

// `Usage` and `Fields` are const for writing.
template <typename Stream, typename Usage>
void UsageFields(Stream& stream, Usage& usage) {
  stream.Item(usage.uncached_input);
  stream.Item(usage.cache_read);
  stream.Item(usage.cache_write_5m);
  stream.Item(usage.cache_write_1h);
  stream.Item(usage.audio_input);
  stream.Item(usage.output_text);
  stream.Item(usage.output_reasoning);
  stream.Item(usage.images);
  stream.Item(usage.calls);
  stream.Item(usage.estimated);
  stream.Item(usage.contradictory);
}

template <typename Stream, typename Fields>
void Texts(Stream& stream, Fields& intent) {
  stream.Item(intent.route);
  stream.Item(intent.model);
  stream.Item(intent.version);
  stream.Item(intent.provider);
  stream.Item(intent.upstream_model);
  stream.Item(intent.request_id);
  stream.Item(intent.user_id);
  stream.Item(intent.key_id);
  stream.Item(intent.workflow_run_id);
}

}  // namespace podium::journal
