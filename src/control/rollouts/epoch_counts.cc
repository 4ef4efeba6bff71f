#include "control/rollouts/epoch_counts.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <tuple>

namespace podium::control {
namespace {

using Incarnations = std::vector<std::set<std::string>>;  // By epoch.

void AddCount(const store::RolloutCount& count, EpochCounts& epoch) {
  ArmTotal& arm = count.canary ? epoch.canary : epoch.primary;
  arm.units += count.units;
  arm.requests += count.requests;
  for (std::size_t i = 0; i < kRolloutSeries; ++i) arm.bad[i] += count.bad[i];
  epoch.ineligible += count.ineligible;
}

rollout::HitRecord RecordOf(const store::RolloutHit& hit) {
  return {.first_rank = hit.first_rank,
          .second_rank = hit.second_rank,
          .bad = std::min(hit.bad, rollout::kScoredRequests)};
}

bool SameKey(const store::RolloutHit& a, const store::RolloutHit& b) {
  return a.epoch == b.epoch && a.series == b.series && a.unit == b.unit;
}

// One key, as [begin, end) saw it.
rollout::KeyHit MergedKey(const store::RolloutHit* const* begin,
                          const store::RolloutHit* const* end, bool epoch_over, bool one_counts) {
  rollout::KeyHit key{.record = RecordOf(**begin), .canary = (*begin)->canary};
  for (const auto* each = begin + 1; each != end; ++each) {
    key.record = rollout::Merged(key.record, RecordOf(**each));
  }
  key.closed = epoch_over || (one_counts && (*begin)->seen >= rollout::kScoredRequests);
  return key;
}

void MergeKeys(const store::RolloutEvidence& stored, std::vector<EpochCounts>& epochs) {
  std::vector<const store::RolloutHit*> hits;
  for (const store::RolloutHit& hit : stored.hits) {
    if (hit.epoch < epochs.size() && hit.series < kAllSeries) hits.push_back(&hit);
  }
  std::sort(hits.begin(), hits.end(), [](const store::RolloutHit* a, const store::RolloutHit* b) {
    return std::tie(a->epoch, a->series, a->unit, a->incarnation) <
           std::tie(b->epoch, b->series, b->unit, b->incarnation);
  });
  for (std::size_t at = 0; at < hits.size();) {
    std::size_t end = at + 1;
    while (end < hits.size() && SameKey(*hits[at], *hits[end])) ++end;
    EpochCounts& epoch = epochs[hits[at]->epoch];
    const bool over = hits[at]->epoch + 1 < epochs.size();
    epoch.keys[hits[at]->series].push_back(
        MergedKey(hits.data() + at, hits.data() + end, over, epoch.incarnations == 1));
    at = end;
  }
}

// What is reported of a custom metric is judged by the first request of a key alone: of the others
// it is not known whether somebody would have told.
std::uint32_t JudgedOf(const RolloutEpoch& epoch, std::size_t series) {
  if (series >= kRolloutSeries) return 1;
  return std::max<std::uint32_t>(epoch.judged_requests[series], 1);
}

// Who reports a custom metric is no replica that counts keys.
void AddSeers(const store::RolloutEvidence& stored, Incarnations& incarnations) {
  for (const store::RolloutHit& hit : stored.hits) {
    if (hit.epoch < incarnations.size() && hit.series < kRolloutSeries) {
      incarnations[hit.epoch].insert(hit.incarnation);
    }
  }
}

}  // namespace

rollout::PrimaryCounts EpochCounts::Primary() const {
  rollout::PrimaryCounts counts{.requests = primary.requests, .bad = primary.bad, .keys = {}};
  for (std::size_t i = 0; i < kRolloutSeries; ++i) {
    for (const rollout::KeyHit& key : keys[i]) {
      if (!key.canary) counts.keys[i].push_back(key.record);
    }
  }
  return counts;
}

std::vector<EpochCounts> MergeCounts(const store::RolloutEvidence& stored, ClosedEpochs& closed) {
  std::vector<EpochCounts> epochs(stored.rollout.epochs.size());
  closed.versions.resize(epochs.size(), -1);
  closed.kept.resize(epochs.size());
  Incarnations seers(epochs.size());
  AddSeers(stored, seers);
  Incarnations incarnations(epochs.size());
  for (const store::RolloutCount& count : stored.counts) {
    if (count.epoch >= epochs.size()) continue;
    AddCount(count, epochs[count.epoch]);
    // Who stood by has seen no key.
    if (count.units > 0) incarnations[count.epoch].insert(count.incarnation);
  }
  std::vector<bool> is_kept(epochs.size());
  for (std::size_t i = 0; i < epochs.size(); ++i) {
    is_kept[i] = store::IsKnownEpoch(closed.versions, stored.versions, i);
    const KeyTallies& kept = closed.kept[i];
    const std::set<std::string>& of = is_kept[i] ? kept.incarnations : seers[i];
    incarnations[i].insert(of.begin(), of.end());
    epochs[i].incarnations = incarnations[i].size();
  }
  MergeKeys(stored, epochs);
  for (std::size_t i = 0; i < epochs.size(); ++i) {
    if (is_kept[i]) {
      epochs[i].tallies = closed.kept[i].of;
      continue;
    }
    for (std::size_t series = 0; series < kAllSeries; ++series) {
      epochs[i].tallies[series] =
          rollout::TallyOf(epochs[i].keys[series], JudgedOf(stored.rollout.epochs[i], series));
    }
    const bool over = i + 1 < epochs.size();
    closed.versions[i] = over && i < stored.versions.size() ? stored.versions[i] : -1;
    closed.kept[i] = over ? KeyTallies{epochs[i].tallies, seers[i]} : KeyTallies();
  }
  return epochs;
}

std::vector<EpochCounts> MergeCounts(const store::RolloutEvidence& stored) {
  ClosedEpochs nothing;
  return MergeCounts(stored, nothing);
}

}  // namespace podium::control
