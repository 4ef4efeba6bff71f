// How the numbers of one tally lie in memory, which is a file's where there is a data directory:
// another process, of another build, reads them after a crash.
//
//   0               TallyHead, with a checksum; never changes
//   kTallyStateAt   TallyState
//   kTallyCoresAt   CoreCounters of each core, to the next page
//                   one byte for each cell of keys seen (sticky units), whole pages
//                   TallyState::chunks times kKeysOfChunk StoredKeys
//
// Numbers are the machine's own. Every one that matters is a word that is stored at once: a process
// that dies between two stores leaves what it had stored, in its order, and no half of a word.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/mapped_file.h"
#include "domain/rollout.h"

namespace podium::view {

inline constexpr std::uint64_t kTallyMagic = 0x594c4c41544d5550;
inline constexpr std::uint32_t kTallyFormat = 1;  ///< Changes with the layout.
inline constexpr std::size_t kTallyIdBytes = 128;

/// All that a file is told apart by.
struct TallyHead {
  std::uint64_t magic;
  std::uint32_t format;
  std::uint32_t series;  ///< kRolloutSeries.
  std::uint32_t cores;
  std::uint32_t epoch;
  std::uint64_t seen_cells;  ///< A power of two; 0: the unit is the request, no keys are kept.
  std::uint32_t rollout_size;
  std::uint32_t incarnation_size;
  std::array<char, kTallyIdBytes> rollout;
  std::array<char, kTallyIdBytes> incarnation;
  std::uint64_t checksum;  ///< The first 8 bytes of the SHA-256 of the above.
};
static_assert(sizeof(TallyHead) == 304);

struct TallyState {
  std::atomic<std::uint32_t> keep;    ///< By FailingKeys::IsKept; only ever less.
  std::atomic<std::uint32_t> chunks;  ///< Of keys, behind the rest.
};

struct ArmCounters {
  std::atomic<std::uint64_t> units;
  std::atomic<std::uint64_t> requests;
  std::array<std::atomic<std::uint64_t>, kRolloutSeries> bad;
};

/// Written by one core.
struct alignas(64) CoreCounters {
  std::array<ArmCounters, 2> arms;  // Primary, canary.
  std::atomic<std::uint64_t> ineligible;
};
static_assert(sizeof(CoreCounters) == 256);

/// A key that failed, as one core has seen it. Its unit is stored before its arm, that before its
/// ranks, and a series' ranks are one word (KeyRanks::Packed): whatever can be read is whole.
struct alignas(64) StoredKey {
  static constexpr std::uint32_t kFree = 0;
  static constexpr std::uint32_t kPrimary = 1;
  static constexpr std::uint32_t kCanary = 2;

  std::atomic<std::uint64_t> unit;
  std::atomic<std::uint32_t> arm;
  std::array<std::atomic<std::uint32_t>, kRolloutSeries> ranks;
};
static_assert(sizeof(StoredKey) == 64);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
static_assert(std::atomic<std::uint8_t>::is_always_lock_free);

inline constexpr std::size_t kKeysOfChunk = 4096;
inline constexpr std::size_t kTallyChunkBytes = kKeysOfChunk * sizeof(StoredKey);
static_assert(kTallyChunkBytes % kMappingPage == 0);

inline constexpr std::size_t kTallyStateAt = 1024;
inline constexpr std::size_t kTallyCoresAt = 4096;

constexpr std::size_t TallySeenAt(std::size_t cores) {
  const std::size_t end = kTallyCoresAt + cores * sizeof(CoreCounters);
  return (end + kMappingPage - 1) / kMappingPage * kMappingPage;
}
/// Where the chunks begin.
constexpr std::size_t TallyChunksAt(std::size_t cores, std::size_t seen_cells) {
  const std::size_t end = TallySeenAt(cores) + seen_cells;
  return (end + kMappingPage - 1) / kMappingPage * kMappingPage;
}

}  // namespace podium::view
