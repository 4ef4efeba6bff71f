// The tests where a key (session or user) keeps its arm: one key is one coin, however many
// requests.
//
// statistics_sticky.md, "The rule": every epoch stands alone, all keys take part, rho = share.
// Epochs are never multiplied, metrics never averaged: each (metric, epoch, test) has a part of
// alpha. Pure; natural logarithms.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <span>

#include "rollout/label_likelihood.h"

namespace podium::rollout {

inline constexpr std::uint32_t kNoRank = std::numeric_limits<std::uint32_t>::max();
/// J of the score test: the requests of a key in one epoch that are judged by it.
inline constexpr std::uint32_t kScoredRequests = 16;
/// The most of q, the share of hit keys that are hit again, with which keys count as one coin each.
inline constexpr double kMostRepeats = 0.1;

/// What is kept of a key with a bad outcome, per epoch and metric. Ranks count the key's requests
/// in the epoch from 0, good ones included, both arms alike.
struct HitRecord {
  std::uint32_t first_rank = kNoRank;
  std::uint32_t second_rank = kNoRank;
  std::uint32_t bad = 0;  ///< Among the first kScoredRequests.
};
/// Outcomes may arrive in any order; each once.
void AddBad(HitRecord& record, std::uint32_t rank);
/// The same key as two replicas saw it: ranks of both, `bad` clipped at kScoredRequests.
HitRecord Merged(const HitRecord& a, const HitRecord& b);

/// One failing key of an epoch, as the driver merged it.
struct KeyHit {
  HitRecord record;
  bool canary = false;  ///< By its bucket and the epoch's share, never by who answered.
  /// Judged kScoredRequests times, or the epoch is over. Never because of an outcome; where several
  /// replicas may see the key, only the end of the epoch closes it.
  bool closed = false;
};

/// Closed keys by how many of their judged requests were bad: [i] holds those with i + 1.
struct ScoreHistogram {
  std::array<std::uint64_t, kScoredRequests> canary{};
  std::array<std::uint64_t, kScoredRequests> active{};
  bool operator==(const ScoreHistogram&) const = default;
};

/// All that the tests need of one metric in one epoch.
struct EpochTally {
  std::uint64_t canary_hit = 0;  ///< S: the candidate's keys with a bad outcome, at any rank.
  std::uint64_t hit = 0;         ///< N
  ScoreHistogram closed;
  std::uint64_t canary_early = 0;  ///< Keys hit within the judged requests of the promotion test.
  std::uint64_t early = 0;
};
EpochTally TallyOf(std::span<const KeyHit> keys, std::uint32_t judged);

/// (R1) ln E of first events against "no key is hit at more than r0 times the rate".
double LogFirstEventE(const LabelCounts& epoch);
/// (R2) ln E of closed keys against "a candidate's key has at most r0 times the bad outcomes".
/// REQUIRES: rho in (0, 1), null_ratio > 0.
double LogScoreE(const ScoreHistogram& closed, double label_probability, double null_ratio);

/// J and q of the promotion test for the next epoch.
struct JudgedLimit {
  std::uint32_t requests = 1;  ///< J: 32, 16, 8, 4, 2 or 1.
  double repeat_share = 0;     ///< q: of keys hit within J, those hit twice. 0 for J = 1.
  bool operator==(const JudgedLimit&) const = default;
};
/// From the active arm's keys of the previous epoch (before the rollout: the primary's).
JudgedLimit ChooseJudged(std::span<const HitRecord> active_keys);
/// q at one J: (keys with two bad + 1)/(keys with one bad + 1).
double RepeatShare(std::span<const HitRecord> active_keys, std::uint32_t judged);

/// r1' = r1 (1 - 2 (r1 - 1) q): the margin of affected keys that answers for the margin of
/// requests. At 1 or below the epoch cannot promote.
double StickyMargin(double margin, double repeat_share);

}  // namespace podium::rollout
