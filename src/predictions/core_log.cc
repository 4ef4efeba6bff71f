#include "predictions/core_log.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace podium::predictions {
namespace {

constexpr int kIdTokenLength = 8;

}  // namespace

CoreLog::CoreLog(const LoggingPolicy& policy, Rng& rng, std::size_t capacity,
                 std::size_t most_bytes)
    : policy_(policy),
      rng_(rng),
      capacity_(capacity),
      most_bytes_(most_bytes),
      slots_(std::make_unique<std::unique_ptr<Record>[]>(capacity)),
      thinner_(policy.all.share) {
  PODIUM_ASSERT(capacity > 0);
  for (const auto& [route, logging] : policy.routes) by_route_.try_emplace(route, logging.share);
}

CoreLog::~CoreLog() = default;

UnitThinner& CoreLog::ThinnerOf(std::string_view route) {
  if (by_route_.empty()) return thinner_;
  const auto found = by_route_.find(route);
  return found == by_route_.end() ? thinner_ : found->second;
}

std::optional<double> CoreLog::Admit(std::string_view route, std::string_view assigned,
                                     std::string_view unit) {
  UnitThinner& thinner = ThinnerOf(route);
  // Whichever of its two bounds the queue is nearer to: long records fill it with few.
  const std::size_t records = waiting();
  const std::size_t bytes = bytes_.load(std::memory_order_relaxed);
  const double full_of_records = static_cast<double>(records) / static_cast<double>(capacity_);
  if (full_of_records * static_cast<double>(most_bytes_) < static_cast<double>(bytes)) {
    thinner.Observe(bytes, most_bytes_);
  } else {
    thinner.Observe(records, capacity_);
  }
  if (thinner.Keeps(ThinningHash(unit))) return thinner.rate();
  counts_.Count(route, assigned, Fate::kThinned);
  return std::nullopt;
}

void CoreLog::Offer(std::unique_ptr<Record> record) {
  const std::uint64_t written = written_.load(std::memory_order_relaxed);
  const std::size_t size = record->bytes();
  PredictionRow& row = record->row;
  const bool no_slot = written - read_.load(std::memory_order_acquire) >= capacity_;
  if (no_slot || bytes_.load(std::memory_order_relaxed) + size > most_bytes_) {
    counts_.Count(row.route, row.assigned, Fate::kFull);
    return;
  }
  row.id = PredictionId(row.at, RandomToken(rng_, kIdTokenLength));
  counts_.Count(row.route, row.assigned, Fate::kLogged);
  bytes_.fetch_add(size, std::memory_order_relaxed);
  slots_[written % capacity_] = std::move(record);
  written_.store(written + 1, std::memory_order_release);
}

std::unique_ptr<Record> CoreLog::Take() {
  const std::uint64_t read = read_.load(std::memory_order_relaxed);
  if (read == written_.load(std::memory_order_acquire)) return nullptr;
  std::unique_ptr<Record> record = std::move(slots_[read % capacity_]);
  bytes_.fetch_sub(record->bytes(), std::memory_order_relaxed);
  read_.store(read + 1, std::memory_order_release);
  return record;
}

std::size_t CoreLog::waiting() const {
  const std::uint64_t read = read_.load(std::memory_order_acquire);
  const std::uint64_t written = written_.load(std::memory_order_acquire);
  // Between the two looks of a third thread many may have come and gone.
  return std::min(static_cast<std::size_t>(written - read), capacity_);
}

}  // namespace podium::predictions
