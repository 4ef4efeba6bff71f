// Invariant 5: the same salt and unit give the same bucket everywhere, for ever. A vector that
// changes here moves the users of everybody who upgrades.
#include "routing/bucket.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "base/json.h"
#include "base/limits.h"

namespace podium::routing {
namespace {

Json GoldenVectors() {
  std::ifstream file(PODIUM_SOURCE_DIR "/tests/data/buckets.golden.json");
  std::stringstream text;
  text << file.rdbuf();
  Result<Json> parsed = ParseJson(text.str());
  if (!parsed) return Json::array();
  return (*parsed)["vectors"];
}

TEST(Bucket, Invariant5VectorsOfTheDesign) {
  const Bucket user = BucketOf(Layer::kCanary, "r1", "user-1");
  EXPECT_EQ(user.hash, 7964573314328209026U);
  EXPECT_EQ(user.coarse, 26);
  EXPECT_EQ(user.fine, 2690);

  const Bucket empty = BucketOf(Layer::kCanary, "r1", "");
  EXPECT_EQ(empty.hash, 8797564161049289532U);
  EXPECT_EQ(empty.coarse, 32);
  EXPECT_EQ(empty.fine, 3295);
}

TEST(Bucket, Invariant5VectorsOfTheIndependentImplementation) {
  const Json vectors = GoldenVectors();
  int canary = 0;
  int arms = 0;
  for (const Json& vector : vectors) {
    SCOPED_TRACE(DumpJson(vector));
    const bool in_canary = vector["layer"] == "canary";
    ++(in_canary ? canary : arms);
    const Bucket bucket =
        BucketOf(in_canary ? Layer::kCanary : Layer::kArms, vector["salt"].get<std::string>(),
                 vector["unit"].get<std::string>());
    EXPECT_EQ(std::to_string(bucket.hash), vector["hash"].get<std::string>());
    EXPECT_EQ(bucket.coarse, vector["coarse"].get<int>());
    EXPECT_EQ(bucket.fine, vector["fine"].get<int>());
  }
  EXPECT_GE(canary, 32);
  EXPECT_GE(arms, 8);
}

// The one-piece buffer ends at the limits of the wire: one byte more takes the other way.
TEST(Bucket, LongUnitsAreHashedInPiecesAsInOne) {
  const std::string salt(limits::kMaxSaltBytes, 's');
  const std::string unit(limits::kMaxUnitBytes + 1, 'u');
  const std::uint64_t at_limit =
      BucketOf(Layer::kCanary, salt, std::string_view(unit).substr(1)).hash;
  const std::uint64_t above = BucketOf(Layer::kCanary, salt, unit).hash;
  EXPECT_EQ(at_limit, 5706265885330625886U);
  EXPECT_EQ(above, 667104695016799894U);
}

TEST(Bucket, NullViewsAreEmpty) {
  EXPECT_EQ(BucketOf(Layer::kCanary, {}, {}).hash, BucketOf(Layer::kCanary, "", "").hash);
}

TEST(Bucket, LayersDoNotShareBuckets) {
  int equal = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::string unit = std::to_string(i);
    equal +=
        BucketOf(Layer::kCanary, "r1", unit).coarse == BucketOf(Layer::kArms, "r1", unit).coarse;
  }
  // By chance one in a hundred agrees.
  EXPECT_LT(equal, 30);
}

// Bytes are bytes: neither the end of a C string nor a sign takes part.
TEST(Bucket, EveryByteCounts) {
  using namespace std::string_view_literals;
  EXPECT_NE(BucketOf(Layer::kCanary, "r1", "a"sv).hash,
            BucketOf(Layer::kCanary, "r1", "a\0"sv).hash);
  EXPECT_NE(BucketOf(Layer::kCanary, "r1", "\xC3\xA9").hash,
            BucketOf(Layer::kCanary, "r1", "e\xCC\x81").hash);
  // The separator keeps salt and unit apart.
  EXPECT_NE(BucketOf(Layer::kCanary, "r1", "0user").hash,
            BucketOf(Layer::kCanary, "r10", "user").hash);
}

}  // namespace
}  // namespace podium::routing
