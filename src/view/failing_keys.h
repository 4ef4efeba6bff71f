// The keys of a rollout's epoch that had a bad outcome, as one core has seen them.
//
// Cut into parts by hash, so that growing, thinning out and reading one of them never takes long.
// What a key did lies in the tally's memory, which may outlive the process; how it is found, and
// what was told of it, lies here.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "domain/rollout.h"
#include "view/rollout_counting.h"
#include "view/tally_memory.h"

namespace podium::view {

/// Ranks above this are this one: a key's first requests are judged, no others.
inline constexpr std::uint8_t kLastRank = 254;
inline constexpr std::uint8_t kNoRank = 255;
/// R2 judges that many requests of a key (statistics_sticky.md: J).
inline constexpr std::uint8_t kJudgedRequests = 16;

/// What one key did badly in one series.
struct KeyRanks {
  std::uint8_t first = kNoRank;
  std::uint8_t second = kNoRank;
  std::uint8_t bad = 0;  ///< Among the first kJudgedRequests.

  bool any() const { return first != kNoRank; }
  void Add(std::uint8_t rank);
  /// Of the same key and series on another core: no request is in both.
  void Add(const KeyRanks& other);

  /// As one word, 0 for none: stored at once, so that nobody reads half of it.
  std::uint32_t Packed() const;
  /// Of any word; CanBe says whether Packed may have made it.
  static KeyRanks Of(std::uint32_t packed);
  static bool CanBe(std::uint32_t packed);
};

/// A key with a bad outcome in one series. Ranks count the key's requests here from 0.
struct KeyRecord {
  std::uint64_t unit = 0;
  std::uint32_t series = 0;
  bool canary = false;
  std::uint32_t first_rank = 0;
  std::uint32_t second_rank = 0;  ///< UINT32_MAX: none.
  std::uint32_t bad = 0;          ///< Among the first 16.
  std::uint32_t seen = 0;         ///< Its requests so far, at most 255.
};

/// What all cores together know of one key.
struct MergedKey {
  std::uint64_t unit = 0;
  bool canary = false;
  std::uint8_t seen = 0;
  std::array<KeyRanks, kRolloutSeries> ranks{};

  SeriesSet hit() const;  ///< Series in which it had anything bad.
  /// REQUIRES: a bit of hit().
  KeyRecord RecordOf(std::size_t series) const;
};

/// The series of a set, ascending.
template <typename Visit>
void ForEachSeries(SeriesSet series, Visit visit) {
  for (; series != 0; series &= static_cast<SeriesSet>(series - 1)) {
    visit(static_cast<std::size_t>(std::countr_zero(series)));
  }
}

/// Where one key is, and what was told of it.
struct FailingKey {
  std::uint64_t unit = 0;
  StoredKey* stored = nullptr;  ///< Null: a free place.
  bool told_closed = false;     ///< It was read after its last judged request.
  SeriesSet changed = 0;        ///< Since it was last read.

  bool used() const { return stored != nullptr; }
  bool canary() const;
  KeyRanks ranks(std::size_t series) const;
  void Add(std::size_t series, std::uint8_t rank);
};

/// A second hash of a unit, which says nothing about its bucket: who is kept beyond the limit does
/// not depend on arms or outcomes.
std::uint64_t SecondHash(std::uint64_t unit);

/// Threads: none of its own; its owner locks.
class FailingKeys {
 public:
  static constexpr std::size_t kParts = 64;
  static std::size_t PartOf(std::uint64_t unit) { return SecondHash(unit) >> 58U; }
  /// Whether a key is kept while that is the limit: one in 2^32 / limit is.
  static bool IsKept(std::uint64_t unit, std::uint32_t limit) {
    return static_cast<std::uint32_t>(SecondHash(unit)) <= limit;
  }

  /// `most`: keys of a part at most. `memory` outlives this.
  FailingKeys(std::size_t most, TallyMemory& memory) : most_(most), memory_(memory) {}

  /// Null when it is not there.
  FailingKey* Find(std::uint64_t unit);
  /// Found or made; null if its part is full: see Thin. References live until the next call.
  FailingKey* FindOrMake(std::uint64_t unit, bool canary);
  /// Takes keys out of one part that `limit` does not keep.
  void Thin(std::size_t index, std::uint32_t limit);

  /// The places of a part; those in use are used().
  std::vector<FailingKey>& slots(std::size_t part) { return parts_[part].slots; }
  std::uint32_t limit(std::size_t part) const { return parts_[part].limit; }

 private:
  struct Part {
    std::vector<FailingKey> slots;  // Open addressing; empty, or a power of two.
    std::size_t count = 0;
    std::uint32_t limit = UINT32_MAX;  // By which it was thinned out last.
  };
  static FailingKey& PlaceOf(std::vector<FailingKey>& slots, std::uint64_t unit);
  static void Move(Part& part, std::size_t size);
  StoredKey& Store(std::uint64_t unit, bool canary);
  StoredKey& FreeOne();

  const std::size_t most_;
  TallyMemory& memory_;
  std::array<Part, kParts> parts_;
  std::span<StoredKey> fresh_;       // Never used.
  std::vector<StoredKey*> thinned_;  // Used before.
};

}  // namespace podium::view
