// What a server of the simulation sees of rollouts: the store, with all the trouble of the
// registry.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "store/rollout_store.h"
#include "testing/faulty_store.h"

namespace podium::testing {

/// Threads: one. The wrapped store outlives this.
class SimRolloutStore final : public store::RolloutStore {
 public:
  using Script = std::function<std::optional<Error>(StoreCall, Moment)>;

  /// `script` is asked at both moments of each call.
  SimRolloutStore(store::RolloutStore& inner, Script script)
      : inner_(inner), script_(std::move(script)) {}

  Result<Rollout> FindRollout(const RolloutId& id) override {
    return Run(StoreCall::kReadRollout, [&] { return inner_.FindRollout(id); });
  }
  Result<store::Page<Rollout>> ListRollouts(const store::RolloutQuery& query) override {
    return Run(StoreCall::kReadRollout, [&] { return inner_.ListRollouts(query); });
  }
  Result<std::optional<store::RolloutLease>> TakeLease(
      const RolloutId& id, const std::string& owner, std::chrono::milliseconds duration) override {
    return Run(StoreCall::kWriteRollout, [&] { return inner_.TakeLease(id, owner, duration); });
  }
  Result<std::optional<store::RolloutLease>> FindLease(const RolloutId& id) override {
    return Run(StoreCall::kReadRollout, [&] { return inner_.FindLease(id); });
  }
  Status GiveUpLease(const RolloutId& id, const std::string& owner) override {
    return Run(StoreCall::kWriteRollout, [&] { return inner_.GiveUpLease(id, owner); });
  }
  Status RecordEvidence(std::span<const store::RolloutCount> counts,
                        std::span<const store::RolloutHit> hits) override {
    return Run(StoreCall::kWriteRollout, [&] { return inner_.RecordEvidence(counts, hits); });
  }
  Result<store::RolloutEvidence> ReadEvidence(const RolloutId& id,
                                              const store::EpochVersions& known = {}) override {
    return Run(StoreCall::kReadRollout, [&] { return inner_.ReadEvidence(id, known); });
  }
  Result<std::uint64_t> CountHits(const RolloutId& id, std::uint32_t epoch,
                                  std::uint32_t series) override {
    return Run(StoreCall::kReadRollout, [&] { return inner_.CountHits(id, epoch, series); });
  }
  Status KeepLook(const store::RolloutVerdict& verdict, const store::LookPin& pin) override {
    return Run(StoreCall::kWriteRollout, [&] { return inner_.KeepLook(verdict, pin); });
  }
  Result<store::LatestVerdicts> ReadLatestVerdicts(const RolloutId& id) override {
    return Run(StoreCall::kReadRollout, [&] { return inner_.ReadLatestVerdicts(id); });
  }
  Result<store::VerdictPage> ReadVerdictPage(const RolloutId& id,
                                             const store::VerdictQuery& query) override {
    return Run(StoreCall::kReadRollout, [&] { return inner_.ReadVerdictPage(id, query); });
  }

 private:
  template <typename Work>
  auto Run(StoreCall call, const Work& work) -> decltype(work()) {
    if (auto error = script_(call, Moment::kBefore)) return Failure(std::move(*error));
    auto answer = work();
    if (auto error = script_(call, Moment::kAfter)) return Failure(std::move(*error));
    return answer;
  }

  store::RolloutStore& inner_;
  const Script script_;
};

}  // namespace podium::testing
