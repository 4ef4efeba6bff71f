#include "control/rollouts/evidence_sender.h"

#include <algorithm>
#include <cstddef>
#include <set>
#include <span>

#include "base/limits.h"

namespace podium::control {
namespace {

bool IsNothing(const std::vector<store::RolloutCount>& counts) {
  return std::all_of(counts.begin(), counts.end(), [](const store::RolloutCount& row) {
    return row.units == 0 && row.ineligible == 0;
  });
}

// A rollout's rows were set back, and its epoch is another one now.
bool IsReplaced(const RolloutMark& mark, const std::vector<RolloutMark>& live) {
  return std::any_of(live.begin(), live.end(), [&](const RolloutMark& now) {
    return now.id == mark.id && now.epoch == mark.epoch && now != mark;
  });
}

}  // namespace

Status EvidenceSender::Send() {
  const std::vector<RolloutMark> live = live_();
  PODIUM_TRY(SendAll(live));
  tallies_.Keep(live);
  return {};
}

// No tally is held beyond this: one that is held is not forgotten.
Status EvidenceSender::SendAll(const std::vector<RolloutMark>& live) {
  std::vector<std::shared_ptr<view::RolloutTally>> all = tallies_.All();
  std::erase_if(all, [&](const auto& tally) { return IsReplaced(tally->mark(), live); });
  std::set<Epoch> known;
  std::map<Epoch, Counts> changed;
  Counts rows;
  for (const auto& tally : all) {
    const Epoch epoch{tally->mark().id, tally->mark().epoch, tally->sequel()};
    known.insert(epoch);
    Counts counts = CountsOf(*tally);
    const auto before = stored_.find(epoch);
    if (before != stored_.end() ? before->second == counts : IsNothing(counts)) continue;
    rows.insert(rows.end(), counts.begin(), counts.end());
    changed[epoch] = std::move(counts);
  }
  std::erase_if(stored_, [&](const auto& one) { return !known.contains(one.first); });
  if (!rows.empty()) {
    PODIUM_TRY(store_.RecordEvidence(rows, {}));
    for (auto& [epoch, counts] : changed) stored_[epoch] = std::move(counts);
  }
  for (const auto& tally : all) PODIUM_TRY(SendKeys(*tally));
  return {};
}

CountedIn EvidenceSender::PlaceOf(const view::RolloutTally& tally) const {
  return {tally.mark().id, tally.mark().epoch, view::CounterName(incarnation_, tally.sequel())};
}

EvidenceSender::Counts EvidenceSender::CountsOf(const view::RolloutTally& tally) const {
  const CountedIn in = PlaceOf(tally);
  Counts counts = {CountRow(in, false, tally.Counts(false)),
                   CountRow(in, true, tally.Counts(true))};
  counts.front().ineligible = tally.ineligible();  // Of neither arm.
  return counts;
}

Status EvidenceSender::SendKeys(view::RolloutTally& tally) {
  const CountedIn in = PlaceOf(tally);
  const std::vector<view::KeyRecord> changed = tally.TakeChanged();
  for (std::size_t at = 0; at < changed.size(); at += limits::kEvidenceBatch) {
    const std::size_t end = std::min(at + limits::kEvidenceBatch, changed.size());
    std::vector<store::RolloutHit> hits;
    for (std::size_t i = at; i < end; ++i) hits.push_back(HitRow(in, changed[i]));
    if (Status stored = store_.RecordEvidence({}, hits); !stored) {
      tally.PutBack({changed.begin() + static_cast<std::ptrdiff_t>(at), changed.end()});
      return stored;
    }
  }
  return {};
}

}  // namespace podium::control
