#include "gateway/shadow_lane.h"

#include <gtest/gtest.h>

#include <cstring>
#include <utility>

#include "testing/sim_clock.h"

namespace podium::gateway {
namespace {

/// Doubles its input, fails on 13, and takes virtual time.
class DoublingModel final : public LoadedModel {
 public:
  DoublingModel(testing::SimClock& clock, std::chrono::nanoseconds takes)
      : clock_(clock), takes_(takes) {}
  const Signature& signature() const override { return signature_; }
  Result<std::vector<Tensor>> Run(std::span<const Tensor> inputs) const override {
    clock_.Advance(takes_);
    ++runs;
    std::vector<Tensor> outputs(inputs.begin(), inputs.end());
    if (*outputs[0].As<float>() == 13) return Fail(ErrorCode::kInternal, "unlucky");
    *outputs[0].As<float>() *= 2;
    return outputs;
  }
  std::chrono::nanoseconds time_per_row() const override { return takes_; }
  mutable int runs = 0;

 private:
  testing::SimClock& clock_;
  const std::chrono::nanoseconds takes_;
  Signature signature_;
};

std::vector<Tensor> OneNumber(float value) {
  Tensor tensor;
  tensor.name = "y";
  tensor.shape = {1, 1};
  tensor.data.resize(sizeof value);
  std::memcpy(tensor.data.data(), &value, sizeof value);
  return {tensor};
}

class ShadowLaneTest : public ::testing::Test {
 protected:
  std::shared_ptr<ShadowPair> Pair(float x = 1) {
    auto inputs = std::make_shared<const CallInputs>(CallInputs{OneNumber(x), 1});
    return std::make_shared<ShadowPair>(ShadowPair::Parts{.inputs = inputs,
                                                          .model = model_,
                                                          .tally = tally_,
                                                          .tolerance = 0.001,
                                                          .offered = clock_.SteadyNow()});
  }
  static bool Answer(ShadowPair& pair, float y, int nanoseconds = 100) {
    return pair.EndChampion(ChampionEnd::kAnswered, OneNumber(y),
                            std::chrono::nanoseconds(nanoseconds));
  }
  view::ShadowCounts Counts() const { return tally_->Counts(); }

  testing::SimClock clock_;
  std::shared_ptr<DoublingModel> model_ =
      std::make_shared<DoublingModel>(clock_, std::chrono::nanoseconds(250));
  std::shared_ptr<view::ShadowTally> tally_ = std::make_shared<view::ShadowTally>(1);
  ShadowLane lane_{clock_, {1, 0, 4}};
};

// The two sides end in either order: the pair is compared once, and by the lane alone.
TEST_F(ShadowLaneTest, ComparesOnceWhoeverIsFirst) {
  for (const bool champion_first : {true, false}) {
    SCOPED_TRACE(champion_first);
    const std::uint64_t before = Counts().pairs;
    const auto pair = Pair();
    ASSERT_TRUE(lane_.Offer(pair));
    if (champion_first) {
      EXPECT_FALSE(Answer(*pair, 2)) << "the lane has it still";
      EXPECT_TRUE(lane_.RunNext());
    } else {
      EXPECT_TRUE(lane_.RunNext());
      EXPECT_EQ(Counts().pairs, before) << "nothing to compare with yet";
      EXPECT_EQ(lane_.waiting(), 1U);
      ASSERT_TRUE(Answer(*pair, 2));
      lane_.Return(pair);
      EXPECT_TRUE(lane_.RunNext());
    }
    EXPECT_FALSE(lane_.RunNext());
    EXPECT_EQ(Counts().pairs, before + 1);
    EXPECT_EQ(lane_.waiting(), 0U);
  }
  EXPECT_EQ(Counts().agreed, 2U);
  EXPECT_EQ(Counts().slower, 2U) << "250 ns against 100";
  EXPECT_EQ(model_->runs, 2);
}

TEST_F(ShadowLaneTest, SaysWhatDiffers) {
  struct Case {
    const char* name;
    float x;
    ChampionEnd end;
    float y;
    std::uint64_t agreed, disagreed, challenger_errors, only_challenger, only_champion, pairs;
  };
  const Case cases[] = {
      {"agree", 1, ChampionEnd::kAnswered, 2, 1, 0, 0, 0, 0, 1},
      {"disagree", 1, ChampionEnd::kAnswered, 3, 0, 1, 0, 0, 0, 1},
      {"the shadow failed", 13, ChampionEnd::kAnswered, 2, 0, 0, 1, 1, 0, 1},
      {"the champion failed", 1, ChampionEnd::kFailed, 0, 0, 0, 0, 0, 1, 1},
      {"both failed", 13, ChampionEnd::kFailed, 0, 0, 0, 1, 0, 0, 1},
      {"withdrawn: not even run", 13, ChampionEnd::kWithdrawn, 0, 0, 0, 0, 0, 0, 0},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    tally_ = std::make_shared<view::ShadowTally>(1);
    const auto pair = Pair(c.x);
    ASSERT_TRUE(lane_.Offer(pair));
    (void)pair->EndChampion(
        c.end, c.end == ChampionEnd::kAnswered ? OneNumber(c.y) : std::vector<Tensor>(),
        std::nullopt);
    EXPECT_TRUE(lane_.RunNext());
    const view::ShadowCounts counts = Counts();
    EXPECT_EQ(counts.agreed, c.agreed);
    EXPECT_EQ(counts.disagreed, c.disagreed);
    EXPECT_EQ(counts.challenger_errors, c.challenger_errors);
    EXPECT_EQ(counts.only_challenger_failed, c.only_challenger);
    EXPECT_EQ(counts.only_champion_failed, c.only_champion);
    EXPECT_EQ(counts.pairs, c.pairs);
    EXPECT_EQ(lane_.waiting(), 0U);
  }
}

// INV-16: at the limit and one beyond it. What is open counts, whether it waits or not.
TEST_F(ShadowLaneTest, Inv16ShedsBeyondItsLimit) {
  std::vector<std::shared_ptr<ShadowPair>> pairs;
  for (int i = 0; i < 4; ++i) {
    pairs.push_back(Pair());
    EXPECT_TRUE(lane_.Offer(pairs.back()));
  }
  EXPECT_FALSE(lane_.Offer(Pair()));
  EXPECT_EQ(Counts().shed[static_cast<std::size_t>(view::ShadowShed::kFull)], 1U);
  EXPECT_TRUE(lane_.RunNext());
  EXPECT_FALSE(lane_.Offer(Pair())) << "it was run, and its champion is not there yet";
  ASSERT_TRUE(Answer(*pairs[0], 2));
  lane_.Return(pairs[0]);
  while (lane_.RunNext()) {
  }
  EXPECT_TRUE(lane_.Offer(Pair()));
  EXPECT_EQ(Counts().shed_total(), 2U);
}

// INV-9: the first thing shed under load, and never so late that it says nothing any more.
TEST_F(ShadowLaneTest, Inv9ThrowsAwayWhileLiveCallsWaitAndWhatIsOld) {
  bool busy = true;
  lane_.SetBusy([&] { return busy; });
  ASSERT_TRUE(lane_.Offer(Pair()));
  EXPECT_TRUE(lane_.RunNext());
  EXPECT_EQ(model_->runs, 0);
  EXPECT_EQ(Counts().shed[static_cast<std::size_t>(view::ShadowShed::kFull)], 1U);
  busy = false;
  ASSERT_TRUE(lane_.Offer(Pair()));
  clock_.Advance(limits::kShadowPatience);
  EXPECT_TRUE(lane_.RunNext());
  EXPECT_EQ(model_->runs, 1) << "at the limit";
  ASSERT_TRUE(lane_.Offer(Pair()));
  clock_.Advance(limits::kShadowPatience + std::chrono::nanoseconds(1));
  EXPECT_TRUE(lane_.RunNext());
  EXPECT_EQ(model_->runs, 1);
  EXPECT_EQ(Counts().shed[static_cast<std::size_t>(view::ShadowShed::kLate)], 1U);
}

}  // namespace
}  // namespace podium::gateway
