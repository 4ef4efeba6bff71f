// What a core does for each attempt. check_decision_path.py sees to it that nothing here allocates,
// locks or waits.
#include <concepts>
#include <cstring>

#include "base/assert.h"
#include "base/clock.h"
#include "journal/attempt.h"
#include "journal/attempt_fields.h"

namespace podium::journal {
namespace {

constexpr std::size_t kUsageBytes = 9 * sizeof(std::int64_t) + 2;
constexpr std::size_t kCostBytes = 1 + 2 * sizeof(std::int64_t);
constexpr std::size_t kOutcomeBytes =
    2 + sizeof(std::uint64_t) + sizeof(std::int64_t) + kUsageBytes + kCostBytes;
constexpr std::size_t kIntentTexts = 9;
static_assert(2 + sizeof(std::int64_t) + sizeof(std::uint32_t) + kUsageBytes + kCostBytes +
                  kIntentTexts * (2 + limits::kMaxJournalTextBytes) <=
              limits::kMaxJournalRecordBytes);

/// Puts values one after the other into a buffer that is known to be large enough.
class Output {
 public:
  explicit Output(RecordBuffer& buffer) : buffer_(buffer) {}

  template <std::integral Number>
  void Item(const Number& number) {
    std::memcpy(buffer_.data() + size_, &number, sizeof number);
    size_ += sizeof number;
  }
  void Item(const bool& flag) { Item(static_cast<std::uint8_t>(flag ? 1 : 0)); }
  void Item(std::string_view text) {
    const std::string_view kept = text.substr(0, limits::kMaxJournalTextBytes);
    Item(static_cast<std::uint16_t>(kept.size()));
    if (!kept.empty()) std::memcpy(buffer_.data() + size_, kept.data(), kept.size());
    size_ += kept.size();
  }
  std::string_view text() const { return {buffer_.data(), size_}; }

 private:
  RecordBuffer& buffer_;
  std::size_t size_ = 0;
};

void PutCost(Output& out, std::optional<NanoUsd> cost, std::int64_t price_id) {
  out.Item(static_cast<std::uint8_t>(cost ? 1 : 0));
  out.Item(cost.value_or(NanoUsd{}).value);
  out.Item(price_id);
}

}  // namespace

std::string_view EncodeIntent(const IntentView& intent, RecordBuffer& buffer) {
  Output out(buffer);
  out.Item(kFormat);
  out.Item(static_cast<std::uint8_t>(intent.kind));
  out.Item(MicrosOf(intent.at));
  out.Item(intent.number);
  Texts(out, intent);
  UsageFields(out, intent.estimate);
  PutCost(out, intent.estimated_cost, intent.price_id);
  return out.text();
}

std::string_view EncodeOutcome(const OutcomeRecord& record, RecordBuffer& buffer) {
  Output out(buffer);
  out.Item(kFormat);
  out.Item(static_cast<std::uint8_t>(record.outcome.status));
  out.Item(record.intent);
  out.Item(MicrosOf(record.outcome.ended));
  UsageFields(out, record.outcome.usage);
  PutCost(out, record.outcome.cost, record.outcome.price_id);
  return out.text();
}

std::optional<OpenAttempt> WriteIntent(Writer& writer, const IntentView& intent) {
  RecordBuffer buffer;
  const std::optional<std::uint64_t> sequence =
      writer.Append(RecordType::kIntent, EncodeIntent(intent, buffer), kOutcomeBytes);
  if (!sequence) return std::nullopt;
  return OpenAttempt{*sequence};
}

void WriteOutcome(Writer& writer, OpenAttempt attempt, const Outcome& outcome) {
  RecordBuffer buffer;
  const std::string_view payload = EncodeOutcome({attempt.sequence, outcome}, buffer);
  PODIUM_ASSERT(payload.size() == kOutcomeBytes);
  writer.AppendFollowUp(RecordType::kOutcome, payload, kOutcomeBytes);
}

}  // namespace podium::journal
