#include "view/left_tally.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <tuple>

#include "base/limits.h"
#include "domain/rollout.h"
#include "view/tally_memory.h"

namespace podium::view {
namespace {

// More than any machine has, and few enough for a sum of sizes never to overflow.
constexpr std::uint64_t kMostCores = 4096;
constexpr std::uint64_t kMostSeenCells = 1ULL << 26U;
/// The store's numbers are signed.
constexpr std::uint64_t kMostCounted = 1ULL << 62U;

Failure NoTally(const char* why) {
  return Fail(ErrorCode::kUnprocessable, "it holds no counts of a rollout: {}", why);
}

/// REQUIRES: the bytes are there.
template <typename Value>
Value ValueAt(std::string_view bytes, std::size_t at) {
  Value value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

bool Inside(std::uint64_t value, std::uint64_t least, std::uint64_t most) {
  return value >= least && value <= most;
}

Status CheckHead(const TallyHead& head) {
  if (head.magic != kTallyMagic) return NoTally("it does not begin as one");
  if (head.format != kTallyFormat || head.series != kRolloutSeries) {
    return Fail(ErrorCode::kConflict,
                "its format is {} with {} series, and this version reads {} with {}: start the "
                "version that wrote it",
                head.format, head.series, kTallyFormat, kRolloutSeries);
  }
  if (head.checksum != ChecksumOf(head)) return NoTally("its head is damaged");
  const bool cells = head.seen_cells == 0 || (std::has_single_bit(head.seen_cells) &&
                                              Inside(head.seen_cells, 2, kMostSeenCells));
  if (!Inside(head.cores, 1, kMostCores) || !cells || head.epoch >= limits::kMaxRolloutEpochs ||
      !Inside(head.rollout_size, 1, kTallyIdBytes) ||
      !Inside(head.incarnation_size, 1, kTallyIdBytes)) {
    return NoTally("its head cannot be");
  }
  return {};
}

// The words of a CoreCounters.
constexpr std::size_t kArmWords = 2 + kRolloutSeries;
using CoreWords = std::array<std::uint64_t, 2 * kArmWords + 1>;
static_assert(sizeof(ArmCounters) == kArmWords * sizeof(std::uint64_t));
static_assert(sizeof(CoreWords) <= sizeof(CoreCounters));

void AddArm(ArmCounts& arm, std::span<const std::uint64_t, kArmWords> words) {
  arm.units += words[0];
  arm.requests += words[1];
  for (std::size_t i = 0; i < kRolloutSeries; ++i) arm.bad[i] += words[2 + i];
}

bool CanBe(const CoreWords& words) {
  return std::all_of(words.begin(), words.end(),
                     [](std::uint64_t word) { return word <= kMostCounted / kMostCores; });
}

// A key is one unit, its requests many.
bool CanBe(const ArmCounts& arm, bool sticky) {
  return std::all_of(arm.bad.begin(), arm.bad.end(),
                     [&](std::uint64_t bad) { return bad <= arm.requests; }) &&
         (sticky || arm.requests <= arm.units);
}

Status ReadCounts(std::string_view bytes, const TallyHead& head, LeftTally& tally) {
  for (std::size_t core = 0; core < head.cores; ++core) {
    const auto words = ValueAt<CoreWords>(bytes, kTallyCoresAt + core * sizeof(CoreCounters));
    if (!CanBe(words)) return NoTally("a count that cannot be");
    const std::span all(words);
    AddArm(tally.primary, all.first<kArmWords>());
    AddArm(tally.canary, all.subspan<kArmWords, kArmWords>());
    tally.ineligible += words.back();
  }
  const bool sticky = head.seen_cells > 0;
  if (CanBe(tally.primary, sticky) && CanBe(tally.canary, sticky)) return {};
  return NoTally("counts that contradict each other");
}

/// One key of one core; nullopt for a place that is free, or was thinned out.
Result<std::optional<MergedKey>> ReadKey(std::string_view bytes, const TallyHead& head,
                                         std::uint32_t keep, std::size_t at) {
  MergedKey key;
  key.unit = ValueAt<std::uint64_t>(bytes, at + offsetof(StoredKey, unit));
  const auto arm = ValueAt<std::uint32_t>(bytes, at + offsetof(StoredKey, arm));
  if (arm > StoredKey::kCanary) return NoTally("a key of no arm");
  if (arm == StoredKey::kFree || !FailingKeys::IsKept(key.unit, keep)) {
    return std::optional<MergedKey>();
  }
  key.canary = arm == StoredKey::kCanary;
  const std::size_t cell = key.unit >> (64 - std::countr_zero(head.seen_cells));
  key.seen = ValueAt<std::uint8_t>(bytes, TallySeenAt(head.cores) + cell);
  const auto words =
      ValueAt<std::array<std::uint32_t, kRolloutSeries>>(bytes, at + offsetof(StoredKey, ranks));
  for (std::size_t i = 0; i < kRolloutSeries; ++i) {
    if (!KeyRanks::CanBe(words[i])) return NoTally("a key with ranks that cannot be");
    key.ranks[i] = KeyRanks::Of(words[i]);
  }
  // Nothing: it was made, and the process ended before its first rank.
  if (key.hit() == 0) return std::optional<MergedKey>();
  return std::optional(key);
}

/// Those of several cores become one; of two arms, which no key has, the primary's.
void MergeByUnit(std::vector<MergedKey>& keys) {
  std::sort(keys.begin(), keys.end(), [](const MergedKey& a, const MergedKey& b) {
    return std::tie(a.unit, a.canary) < std::tie(b.unit, b.canary);
  });
  std::size_t count = 0;
  for (const MergedKey& key : keys) {
    if (count > 0 && keys[count - 1].unit == key.unit) {
      for (std::size_t i = 0; i < kRolloutSeries; ++i) keys[count - 1].ranks[i].Add(key.ranks[i]);
    } else {
      keys[count++] = key;
    }
  }
  keys.resize(count);
}

Status ReadKeys(std::string_view bytes, const TallyHead& head, LeftTally& tally) {
  const auto keep = ValueAt<std::uint32_t>(bytes, kTallyStateAt + offsetof(TallyState, keep));
  const auto chunks = ValueAt<std::uint32_t>(bytes, kTallyStateAt + offsetof(TallyState, chunks));
  const std::size_t begin = TallyChunksAt(head.cores, head.seen_cells);
  if ((bytes.size() - begin) / kTallyChunkBytes < chunks) return NoTally("it was cut off");
  if (chunks > 0 && head.seen_cells == 0) return NoTally("keys where each request is a coin");
  for (std::size_t i = 0; i < std::size_t{chunks} * kKeysOfChunk; ++i) {
    PODIUM_TRY_ASSIGN(const std::optional<MergedKey> key,
                      ReadKey(bytes, head, keep, begin + i * sizeof(StoredKey)));
    if (key) tally.keys.push_back(*key);
  }
  MergeByUnit(tally.keys);
  return {};
}

}  // namespace

Result<LeftTally> ReadLeftTally(std::string_view bytes) {
  if (bytes.size() < kTallyCoresAt) return NoTally("it is too short");
  const auto head = ValueAt<TallyHead>(bytes, 0);
  PODIUM_TRY(CheckHead(head));
  if (bytes.size() < TallyChunksAt(head.cores, head.seen_cells)) return NoTally("it was cut off");
  LeftTally tally;
  tally.rollout = RolloutId(std::string(head.rollout.data(), head.rollout_size));
  tally.epoch = head.epoch;
  tally.incarnation = std::string(head.incarnation.data(), head.incarnation_size);
  PODIUM_TRY(ReadCounts(bytes, head, tally));
  PODIUM_TRY(ReadKeys(bytes, head, tally));
  return tally;
}

}  // namespace podium::view
