// The keys of a rollout's epoch that had a bad outcome, as one core has seen them.
//
// Cut into parts by hash, so that growing, thinning out and reading one of them never takes long.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "domain/rollout.h"
#include "view/rollout_counting.h"

namespace podium::view {

/// Ranks above this are this one: a key's first requests are judged, no others.
inline constexpr std::uint8_t kLastRank = 254;
inline constexpr std::uint8_t kNoRank = 255;
/// R2 judges that many requests of a key (statistics_sticky.md: J).
inline constexpr std::uint8_t kJudgedRequests = 16;

/// What one key did badly, by series.
struct FailingKey {
  struct Ranks {
    std::uint8_t first = kNoRank;
    std::uint8_t second = kNoRank;
    std::uint8_t bad = 0;  ///< Among the first kJudgedRequests.

    bool any() const { return first != kNoRank; }
    void Add(std::uint8_t rank);
    /// Of the same key and series on another core: no request is in both.
    void Add(const Ranks& other);
  };
  std::uint64_t unit = 0;
  std::array<Ranks, kRolloutSeries> ranks{};
  bool used = false;
  bool canary = false;
  bool told_closed = false;  ///< It was read after its last judged request.
  SeriesSet changed = 0;     ///< Since it was last read.
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

  /// `most`: keys of a part at most.
  explicit FailingKeys(std::size_t most) : most_(most) {}

  /// Null when it is not there.
  FailingKey* Find(std::uint64_t unit);
  /// Found or made; null if its part is full: see Thin. References live until the next call.
  FailingKey* FindOrMake(std::uint64_t unit, bool canary);
  /// Takes keys out of one part that `limit` does not keep.
  void Thin(std::size_t index, std::uint32_t limit);

  /// The places of a part; those in use have `used`.
  std::vector<FailingKey>& slots(std::size_t part) { return parts_[part].slots; }
  std::uint32_t limit(std::size_t part) const { return parts_[part].limit; }
  std::size_t size() const;

 private:
  struct Part {
    std::vector<FailingKey> slots;  // Open addressing; empty, or a power of two.
    std::size_t count = 0;
    std::uint32_t limit = UINT32_MAX;  // By which it was thinned out last.
  };
  static FailingKey& PlaceOf(std::vector<FailingKey>& slots, std::uint64_t unit);
  static void Move(Part& part, std::size_t size);

  const std::size_t most_;
  std::array<Part, kParts> parts_;
};

}  // namespace podium::view
