// Cores that offer and take back while threads run and compare: for TSan, and for the sums.
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>

#include "gateway/shadow_lane.h"

namespace podium::gateway {
namespace {

class NegatingModel final : public LoadedModel {
 public:
  const Signature& signature() const override { return signature_; }
  Result<std::vector<Tensor>> Run(std::span<const Tensor> inputs) const override {
    std::vector<Tensor> outputs(inputs.begin(), inputs.end());
    *outputs[0].As<float>() *= -1;
    return outputs;
  }
  std::chrono::nanoseconds time_per_row() const override { return std::chrono::nanoseconds(1); }

 private:
  Signature signature_;
};

CallInputs OneRow(float value) {
  Tensor tensor;
  tensor.name = "y";
  tensor.data.resize(sizeof value);
  std::memcpy(tensor.data.data(), &value, sizeof value);
  return {{tensor}, 1};
}

// Nothing is lost, nothing is counted twice: every copy is a pair, or was shed.
TEST(ShadowLaneThreads, EveryCopyEndsOnce) {
  constexpr int kLaneCores = 2;
  constexpr int kLaneCalls = 5000;
  const SystemClock clock;
  const auto model = std::make_shared<const NegatingModel>();
  const auto tally = std::make_shared<view::ShadowTally>(kLaneCores);
  ShadowLane lane(clock, {kLaneCores, 2, 8});
  const auto call = [&](std::size_t core) {
    for (int i = 0; i < kLaneCalls; ++i) {
      const auto x = static_cast<float>(i);
      auto pair = std::make_shared<ShadowPair>(
          ShadowPair::Parts{.inputs = std::make_shared<const CallInputs>(OneRow(x)),
                            .model = model,
                            .tally = tally,
                            .offered = clock.SteadyNow(),
                            .core = core});
      if (!lane.Offer(pair)) continue;
      const bool second = pair->EndChampion(ChampionEnd::kAnswered, OneRow(-x).tensors,
                                            std::chrono::nanoseconds(1));
      if (second) lane.Return(std::move(pair));
    }
  };
  std::thread one(call, 0);
  std::thread other(call, 1);
  one.join();
  other.join();
  lane.Stop();
  while (lane.RunNext()) {
  }
  const view::ShadowCounts counts = tally->Counts();
  EXPECT_EQ(counts.pairs + counts.shed_total(), 2U * kLaneCalls);
  EXPECT_EQ(counts.agreed, counts.pairs);
  EXPECT_GT(counts.pairs, 0U);
  EXPECT_EQ(lane.waiting(), 0U);
}

}  // namespace
}  // namespace podium::gateway
