#include <concepts>
#include <cstring>
#include <utility>

#include "journal/attempt.h"
#include "journal/attempt_fields.h"

namespace podium::journal {
namespace {

constexpr std::uint8_t kLastKind = static_cast<std::uint8_t>(AttemptKind::kChallenger);
constexpr std::uint8_t kLastStatus = static_cast<std::uint8_t>(AttemptStatus::kUnknown);

/// Takes them back. What is missing reads as zero, and good() says so.
class Input {
 public:
  explicit Input(std::string_view bytes) : rest_(bytes) {}

  template <std::integral Number>
  void Item(Number& number) {
    const std::string_view taken = Take(sizeof number);
    number = 0;
    if (taken.size() == sizeof number) std::memcpy(&number, taken.data(), sizeof number);
  }
  void Item(bool& flag) {
    std::uint8_t byte = 0;
    Item(byte);
    flag = byte != 0;
  }
  void Item(std::string& text) {
    std::uint16_t size = 0;
    Item(size);
    text = Take(size);
  }
  bool good() const { return good_ && rest_.empty(); }

 private:
  std::string_view Take(std::size_t size) {
    if (size > rest_.size()) {
      good_ = false;
      rest_ = {};
    }
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(taken.size());
    return taken;
  }

  std::string_view rest_;
  bool good_ = true;
};

std::optional<NanoUsd> TakeCost(Input& in, std::int64_t& price_id) {
  std::uint8_t known = 0;
  NanoUsd cost;
  in.Item(known);
  in.Item(cost.value);
  in.Item(price_id);
  return known != 0 ? std::optional(cost) : std::nullopt;
}

WallTime TakeTime(Input& in) {
  std::int64_t micros = 0;
  in.Item(micros);
  return WallTime(WallTime::duration(micros));
}

Failure NotUnderstood(const char* what) {
  return Fail(ErrorCode::kUnprocessable,
              "a record of the journal is no {}: was it written by "
              "another release?",
              what);
}

}  // namespace

std::string EventIdsOf(std::uint64_t incarnation) { return fmt::format("{:016x}-", incarnation); }

std::string EventId(std::uint64_t incarnation, std::uint32_t core, std::uint64_t sequence) {
  return fmt::format("{}{}-{}", EventIdsOf(incarnation), core, sequence);
}

Result<Intent> DecodeIntent(std::string_view payload) {
  Input in(payload);
  std::uint8_t format = 0;
  std::uint8_t kind = 0;
  Intent intent;
  in.Item(format);
  in.Item(kind);
  intent.at = TakeTime(in);
  in.Item(intent.number);
  Texts(in, intent);
  UsageFields(in, intent.estimate);
  intent.estimated_cost = TakeCost(in, intent.price_id);
  if (!in.good() || format != kFormat || kind > kLastKind) return NotUnderstood("intent");
  intent.kind = static_cast<AttemptKind>(kind);
  return intent;
}

Result<OutcomeRecord> DecodeOutcome(std::string_view payload) {
  Input in(payload);
  std::uint8_t format = 0;
  std::uint8_t status = 0;
  OutcomeRecord record;
  in.Item(format);
  in.Item(status);
  in.Item(record.intent);
  record.outcome.ended = TakeTime(in);
  UsageFields(in, record.outcome.usage);
  record.outcome.cost = TakeCost(in, record.outcome.price_id);
  if (!in.good() || format != kFormat || status > kLastStatus) return NotUnderstood("outcome");
  record.outcome.status = static_cast<AttemptStatus>(status);
  return record;
}

}  // namespace podium::journal
