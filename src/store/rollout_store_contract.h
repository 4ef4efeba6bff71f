// The contract of rollouts in a store: the row of one, who drives it, what was counted of it and
// what was found.
#pragma once

#include <chrono>
#include <string>

#include "base/json.h"
#include "store/rollout_store.h"
#include "store/rollout_verbs.h"
#include "store/store_contract.h"

namespace podium::store {

class RegistryRollouts : public RegistryContract {
 protected:
  RegistryRollouts() {
    registry_.Add("a");
    registry_.Activate("a");
    for (const char* id : {"b", "c"}) registry_.Add(id, VersionStatus::kShadow);
  }
  RolloutStore& rollouts() { return dynamic_cast<RolloutStore&>(*store_); }

  static MutationContext Ann() {
    MutationContext context;
    context.actor = "ann";
    context.named_person = true;
    return context;
  }
  Rollout Find(const RolloutId& id) {
    const Result<Rollout> found = rollouts().FindRollout(id);
    EXPECT_TRUE(found) << Describe(found.error());
    return found ? *found : Rollout();
  }
  Json NewestEventData() {
    const std::vector<OutboxEvent> events = registry_.Events();
    const Result<Json> data = events.empty() ? Json() : ParseJson(events.back().data);
    return data ? *data : Json();
  }
  std::string NewestEvent() {
    const std::vector<OutboxEvent> events = registry_.Events();
    return events.empty() ? "" : events.back().type;
  }
  std::optional<std::int64_t> Token(const RolloutId& id, const std::string& owner) {
    const auto lease = rollouts().TakeLease(id, owner, std::chrono::seconds(10));
    EXPECT_TRUE(lease) << Describe(lease.error());
    if (!lease || !*lease) return std::nullopt;
    EXPECT_EQ((*lease)->owner, owner);
    EXPECT_EQ((*lease)->until, clock_.Now() + std::chrono::seconds(10));
    return (*lease)->token;
  }
  RolloutEvidence Evidence(const RolloutId& id) {
    Result<RolloutEvidence> evidence = rollouts().ReadEvidence(id);
    EXPECT_TRUE(evidence) << Describe(evidence.error());
    return evidence ? std::move(*evidence) : RolloutEvidence();
  }
  void Record(std::vector<RolloutCount> counts, std::vector<RolloutHit> hits = {}) {
    const Status done = rollouts().RecordEvidence(counts, hits);
    EXPECT_TRUE(done) << Describe(done.error());
  }
  void Reopen() {
    if (!GetParam().keeps_rows) return;
    store_.reset();
    store_ = GetParam().open(clock_, rng_, folder_);
    ASSERT_TRUE(store_);
  }
};

inline RolloutCount CountOf(const RolloutId& id, std::uint32_t epoch, bool canary,
                            std::uint64_t units) {
  RolloutCount count;
  count.rollout = id;
  count.epoch = epoch;
  count.incarnation = "one";
  count.canary = canary;
  count.units = count.requests = units;
  return count;
}

inline RolloutHit HitOf(const RolloutId& id, std::uint64_t unit) {
  RolloutHit hit;
  hit.rollout = id;
  hit.unit = unit;
  hit.incarnation = "one";
  hit.first_rank = 3;
  hit.second_rank = UINT32_MAX;
  hit.bad = 1;
  hit.seen = 4;
  return hit;
}

}  // namespace podium::store
