#include "view/failing_keys.h"

#include <algorithm>
#include <utility>

namespace podium::view {
namespace {

constexpr std::size_t kFirstSlots = 8;
constexpr std::uint32_t kAnyRank = 1U << 24U;

}  // namespace

// The finaliser of SplitMix64: every bit of the input reaches every bit of the output.
std::uint64_t SecondHash(std::uint64_t unit) {
  unit = (unit ^ (unit >> 30U)) * 0xBF58476D1CE4E5B9U;
  unit = (unit ^ (unit >> 27U)) * 0x94D049BB133111EBU;
  return unit ^ (unit >> 31U);
}

void KeyRanks::Add(std::uint8_t rank) {
  if (rank < kJudgedRequests) ++bad;
  if (rank < first) {
    second = std::exchange(first, rank);
  } else if (rank < second) {
    second = rank;
  }
}

void KeyRanks::Add(const KeyRanks& other) {
  bad = static_cast<std::uint8_t>(std::min<int>(bad + other.bad, kJudgedRequests));
  const std::uint8_t after = first <= other.first ? second : other.second;
  second = std::min(std::max(first, other.first), after);
  first = std::min(first, other.first);
}

std::uint32_t KeyRanks::Packed() const {
  if (!any()) return 0;
  return kAnyRank | static_cast<std::uint32_t>(bad) << 16U |
         static_cast<std::uint32_t>(second) << 8U | first;
}

KeyRanks KeyRanks::Of(std::uint32_t packed) {
  if (packed == 0) return {};
  return {static_cast<std::uint8_t>(packed), static_cast<std::uint8_t>(packed >> 8U),
          static_cast<std::uint8_t>(packed >> 16U)};
}

// Two keys that share a cell, or two cores at a rank above the last, may have one rank twice.
bool KeyRanks::CanBe(std::uint32_t packed) {
  const KeyRanks ranks = Of(packed);
  return packed == 0 ||
         (packed == ranks.Packed() && ranks.first <= ranks.second && ranks.bad <= kJudgedRequests);
}

SeriesSet MergedKey::hit() const {
  SeriesSet hit = 0;
  for (std::size_t i = 0; i < kRolloutSeries; ++i) {
    if (ranks[i].any()) hit |= static_cast<SeriesSet>(1U << i);
  }
  return hit;
}

KeyRecord MergedKey::RecordOf(std::size_t series) const {
  const KeyRanks& of_series = ranks[series];
  KeyRecord record;
  record.unit = unit;
  record.series = static_cast<std::uint32_t>(series);
  record.canary = canary;
  record.first_rank = of_series.first;
  record.second_rank = of_series.second == kNoRank ? UINT32_MAX : of_series.second;
  record.bad = of_series.bad;
  record.seen = seen;
  return record;
}

bool FailingKey::canary() const {
  return stored->arm.load(std::memory_order_relaxed) == StoredKey::kCanary;
}

KeyRanks FailingKey::ranks(std::size_t series) const {
  return KeyRanks::Of(stored->ranks[series].load(std::memory_order_relaxed));
}

void FailingKey::Add(std::size_t series, std::uint8_t rank) {
  KeyRanks ranks = this->ranks(series);
  ranks.Add(rank);
  stored->ranks[series].store(ranks.Packed(), std::memory_order_release);
}

FailingKey& FailingKeys::PlaceOf(std::vector<FailingKey>& slots, std::uint64_t unit) {
  std::size_t at = SecondHash(unit) & (slots.size() - 1);
  while (slots[at].used() && slots[at].unit != unit) at = (at + 1) & (slots.size() - 1);
  return slots[at];
}

FailingKey* FailingKeys::Find(std::uint64_t unit) {
  Part& part = parts_[PartOf(unit)];
  if (part.slots.empty()) return nullptr;
  FailingKey& key = PlaceOf(part.slots, unit);
  return key.used() ? &key : nullptr;
}

FailingKey* FailingKeys::FindOrMake(std::uint64_t unit, bool canary) {
  if (FailingKey* found = Find(unit)) return found;
  Part& part = parts_[PartOf(unit)];
  if (part.count >= most_) return nullptr;
  // Three quarters full is full: probes stay short.
  if (4 * (part.count + 1) > 3 * part.slots.size()) {
    Move(part, std::max(kFirstSlots, 2 * part.slots.size()));
  }
  ++part.count;
  FailingKey& key = PlaceOf(part.slots, unit);
  key = {unit, &Store(unit, canary)};
  return &key;
}

// In an order in which a process may end at any point: see StoredKey.
StoredKey& FailingKeys::Store(std::uint64_t unit, bool canary) {
  StoredKey& key = FreeOne();
  for (auto& ranks : key.ranks) ranks.store(0, std::memory_order_relaxed);
  key.unit.store(unit, std::memory_order_release);
  key.arm.store(canary ? StoredKey::kCanary : StoredKey::kPrimary, std::memory_order_release);
  return key;
}

StoredKey& FailingKeys::FreeOne() {
  if (!thinned_.empty()) {
    StoredKey* key = thinned_.back();
    thinned_.pop_back();
    return *key;
  }
  if (fresh_.empty()) fresh_ = memory_.TakeChunk();
  StoredKey& key = fresh_.front();
  fresh_ = fresh_.subspan(1);
  return key;
}

void FailingKeys::Move(Part& part, std::size_t size) {
  std::vector<FailingKey> old(size);
  old.swap(part.slots);
  for (const FailingKey& key : old) {
    if (key.used()) PlaceOf(part.slots, key.unit) = key;
  }
}

void FailingKeys::Thin(std::size_t index, std::uint32_t limit) {
  Part& part = parts_[index];
  part.limit = limit;
  for (FailingKey& key : part.slots) {
    if (!key.used() || IsKept(key.unit, limit)) continue;
    key.stored->arm.store(StoredKey::kFree, std::memory_order_release);
    thinned_.push_back(key.stored);
    key.stored = nullptr;
    --part.count;
  }
  if (!part.slots.empty()) Move(part, part.slots.size());  // Probes must not end at the gaps.
}

}  // namespace podium::view
