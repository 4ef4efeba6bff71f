#include "view/failing_keys.h"

#include <algorithm>
#include <utility>

namespace podium::view {
namespace {

constexpr std::size_t kFirstSlots = 8;

}  // namespace

// The finaliser of SplitMix64: every bit of the input reaches every bit of the output.
std::uint64_t SecondHash(std::uint64_t unit) {
  unit = (unit ^ (unit >> 30U)) * 0xBF58476D1CE4E5B9U;
  unit = (unit ^ (unit >> 27U)) * 0x94D049BB133111EBU;
  return unit ^ (unit >> 31U);
}

void FailingKey::Ranks::Add(std::uint8_t rank) {
  if (rank < kJudgedRequests) ++bad;
  if (rank < first) {
    second = std::exchange(first, rank);
  } else if (rank < second) {
    second = rank;
  }
}

void FailingKey::Ranks::Add(const Ranks& other) {
  bad = static_cast<std::uint8_t>(std::min<int>(bad + other.bad, kJudgedRequests));
  const std::uint8_t after = first <= other.first ? second : other.second;
  second = std::min(std::max(first, other.first), after);
  first = std::min(first, other.first);
}

FailingKey& FailingKeys::PlaceOf(std::vector<FailingKey>& slots, std::uint64_t unit) {
  std::size_t at = SecondHash(unit) & (slots.size() - 1);
  while (slots[at].used && slots[at].unit != unit) at = (at + 1) & (slots.size() - 1);
  return slots[at];
}

FailingKey* FailingKeys::Find(std::uint64_t unit) {
  Part& part = parts_[PartOf(unit)];
  if (part.slots.empty()) return nullptr;
  FailingKey& key = PlaceOf(part.slots, unit);
  return key.used ? &key : nullptr;
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
  key.unit = unit;
  key.used = true;
  key.canary = canary;
  return &key;
}

void FailingKeys::Move(Part& part, std::size_t size) {
  std::vector<FailingKey> old(size);
  old.swap(part.slots);
  for (const FailingKey& key : old) {
    if (key.used) PlaceOf(part.slots, key.unit) = key;
  }
}

void FailingKeys::Thin(std::size_t index, std::uint32_t limit) {
  Part& part = parts_[index];
  part.limit = limit;
  for (FailingKey& key : part.slots) {
    if (!key.used || IsKept(key.unit, limit)) continue;
    key.used = false;
    --part.count;
  }
  if (!part.slots.empty()) Move(part, part.slots.size());  // Probes must not end at the gaps.
}

std::size_t FailingKeys::size() const {
  std::size_t sum = 0;
  for (const Part& part : parts_) sum += part.count;
  return sum;
}

}  // namespace podium::view
