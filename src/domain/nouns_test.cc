// The words on the wire and in the table: each is written and read back the same, and none twice.
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <set>
#include <string>

#include "domain/follow.h"
#include "domain/ids.h"
#include "domain/model.h"
#include "domain/promotion.h"
#include "domain/rollout.h"
#include "domain/route.h"
#include "domain/tensor.h"
#include "domain/version.h"

namespace podium {
namespace {

/// Names of the enumerators 0 to `last`; each must come back from `parse` as itself.
template <typename Enum, typename Parse>
std::string NamesOf(Enum last, Parse parse) {
  std::string names;
  std::set<std::string> seen;
  for (int i = 0; i <= static_cast<int>(last); ++i) {
    const auto value = static_cast<Enum>(i);
    const std::string name(NameOf(value));
    EXPECT_EQ(parse(name), value) << name;
    EXPECT_TRUE(seen.insert(name).second) << name << " twice";
    names += (i == 0 ? "" : " ") + name;
  }
  EXPECT_EQ(parse(""), std::nullopt);
  EXPECT_EQ(parse("nonsense"), std::nullopt);
  EXPECT_EQ(parse(names.substr(0, 1)), std::nullopt);
  return names;
}

TEST(Nouns, AreWrittenAndReadTheSame) {
  EXPECT_EQ(NamesOf(VersionStatus::kRetired, ParseVersionStatus),
            "primary canary shadow arm standby retired");
  EXPECT_EQ(NamesOf(LoadPolicy::kLazy, ParseLoadPolicy), "eager lazy");
  EXPECT_EQ(NamesOf(RoutePolicy::kAb, ParseRoutePolicy), "fixed ab");
  EXPECT_EQ(NamesOf(PromotionKind::kChallenger, ParsePromotionKind),
            "register promote activate rollback ramp abort arms retire delete seed follow unfollow "
            "follow-resume rollout shadow challenger");
  EXPECT_EQ(NamesOf(OnChampion::kRollout, ParseOnChampion), "promote rollout");
  EXPECT_EQ(NamesOf(SplitUnit::kUser, ParseSplitUnit), "route request session user");
  EXPECT_EQ(NamesOf(GuardMetric::kCost, ParseGuardMetric), "error_rate latency first_token cost");
  EXPECT_EQ(NamesOf(RolloutRule::kThompson, ParseRolloutRule), "sequential threshold thompson");
  EXPECT_EQ(NamesOf(OnOverdue::kRollBack, ParseOnOverdue), "hold rollback");
  EXPECT_EQ(NamesOf(RolloutPhase::kAborted, ParseRolloutPhase),
            "running paused promoted rolled_back aborted");
  EXPECT_EQ(NamesOf(DataType::kBytes, ParseDataType),
            "BOOL UINT8 UINT16 UINT32 UINT64 INT8 INT16 INT32 INT64 FP16 BF16 FP32 FP64 BYTES");
  EXPECT_EQ(ParseVersionStatus("Primary"), std::nullopt) << "case matters";
}

TEST(LoadState, HasNames) {
  std::string names;
  for (int i = 0; i <= static_cast<int>(LoadState::kFailed); ++i) {
    names += std::string(NameOf(static_cast<LoadState>(i))) + " ";
  }
  EXPECT_EQ(names,
            "requested downloading verifying loading warming ready draining unloaded failed ");
}

TEST(Tensor, WidthsAreThoseOfTheTypes) {
  struct Case {
    DataType type;
    std::size_t width;
  };
  const Case cases[] = {
      {DataType::kBool, sizeof(bool)},
      {DataType::kUint8, 1},
      {DataType::kUint16, 2},
      {DataType::kUint32, 4},
      {DataType::kUint64, 8},
      {DataType::kInt8, 1},
      {DataType::kInt16, 2},
      {DataType::kInt32, 4},
      {DataType::kInt64, 8},
      {DataType::kFp16, 2},
      {DataType::kBf16, 2},
      {DataType::kFp32, sizeof(float)},
      {DataType::kFp64, sizeof(double)},
      {DataType::kBytes, 0},
  };
  ASSERT_EQ(std::size(cases), std::size_t{kDataTypeCount});
  for (const Case& c : cases) EXPECT_EQ(WidthOf(c.type), c.width) << NameOf(c.type);
}

// A shape comes from the wire: its product is an allocation.
TEST(Tensor, ElementCountRefusesWhatOverflows) {
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(ElementCount({}), 1) << "a scalar";
  EXPECT_EQ(ElementCount({3, 4}), 12);
  EXPECT_EQ(ElementCount({3, 0, 4}), 0);
  EXPECT_EQ(ElementCount({kMax}), kMax);
  EXPECT_EQ(ElementCount({kMax, 2}), std::nullopt);
  EXPECT_EQ(ElementCount({std::int64_t{1} << 32, std::int64_t{1} << 32}), std::nullopt);
  EXPECT_EQ(ElementCount({2, -1}), std::nullopt);
  EXPECT_EQ(ElementCount({0, -1}), std::nullopt);
}

// Invariant 3: whatever a restore loses of the revision, the raised epoch outweighs it.
TEST(Generation, Invariant3AnEpochOutweighsEveryRevision) {
  const std::int64_t last = (std::int64_t{1} << kGenerationRevisionBits) - 1;
  EXPECT_LT(MakeGeneration(0, Revision(1)), MakeGeneration(0, Revision(2)));
  EXPECT_LT(MakeGeneration(0, Revision(last)), MakeGeneration(1, Revision(0)));
  EXPECT_LT(MakeGeneration(7, Revision(last)), MakeGeneration(8, Revision(0)));
  EXPECT_EQ(MakeGeneration(0, Revision(42)).get(), 42U);
}

}  // namespace
}  // namespace podium
