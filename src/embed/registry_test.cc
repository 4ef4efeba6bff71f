// The registry of libpodium over both stores: names, errors and edge cases of requirements A2 and
// C.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <podium/registry.h>

#include <limits>
#include <string>
#include <vector>

#include "embed/ports_fixture.h"
#include "testing/temp_dir.h"

namespace podium::v1 {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

enum class Kind { kMemory, kFile };

class RegistryOf : public ::testing::TestWithParam<Kind> {
 protected:
  Result<Registry> Open() {
    RegistryOptions options;
    options.clock = clock_;
    options.random = std::make_shared<HandRandom>();
    options.actor = "ada";
    return GetParam() == Kind::kMemory ? Registry::InMemory(options)
                                       : Registry::Open(folder_ / "models.db", options);
  }

  podium::testing::TempDir folder_;
  std::shared_ptr<HandClock> clock_ = std::make_shared<HandClock>();
  Registry registry_ = Open().value();
};

INSTANTIATE_TEST_SUITE_P(Stores, RegistryOf, ::testing::Values(Kind::kMemory, Kind::kFile),
                         [](const auto& info) {
                           return info.param == Kind::kMemory ? "Memory" : "File";
                         });

template <typename T>
ErrorCode CodeOf(const Result<T>& result) {
  EXPECT_FALSE(result);
  return result ? ErrorCode::kInternal : result.error().code;
}

std::vector<std::string> IdsIn(const Result<std::vector<ModelVersion>>& versions) {
  std::vector<std::string> ids;
  for (const ModelVersion& version : versions.value()) ids.push_back(version.id);
  return ids;
}

TEST_P(RegistryOf, ShowsAVersionAsItWasRegistered) {
  NewVersion version = Version("m1");
  version.path = "models/ranker-1.onnx";
  version.format = "onnx";
  version.metrics = {{"auc", 0.91}};
  const ModelVersion made = registry_.Register(version).value();
  EXPECT_EQ(made.id, "m1");
  EXPECT_EQ(made.name, "ranker");
  EXPECT_EQ(made.version, "m1");
  EXPECT_EQ(made.path, "models/ranker-1.onnx");
  EXPECT_EQ(made.format, "onnx");
  EXPECT_EQ(made.created_at, clock_->Now());
  EXPECT_EQ(made.metrics.at("auc"), 0.91);
  EXPECT_FALSE(made.active);
  EXPECT_EQ(ToJson(registry_.Get("m1").value()), ToJson(made));
}

TEST_P(RegistryOf, NothingBecomesPrimaryMerelyByBeingFirst) {
  ASSERT_TRUE(registry_.Register(Version("m1")));
  EXPECT_EQ(CodeOf(registry_.GetActive("ranker")), ErrorCode::kNotFound);
  EXPECT_EQ(registry_.Pin().Choose("ranker", {"s", {}, {}}).reason, Reason::kNoPrimary);
}

TEST_P(RegistryOf, WhatIsRegisteredTwiceIsAConflict) {
  ASSERT_TRUE(registry_.Register(Version("m1")));
  EXPECT_EQ(CodeOf(registry_.Register(Version("m1"))), ErrorCode::kConflict);
  NewVersion same_place = Version("m1");
  same_place.id = "m2";
  EXPECT_EQ(CodeOf(registry_.Register(same_place)), ErrorCode::kConflict);
  ASSERT_TRUE(registry_.Delete("m1"));
  EXPECT_EQ(CodeOf(registry_.Register(Version("m1"))), ErrorCode::kConflict)
      << "an id is never used twice";
}

TEST_P(RegistryOf, WhatDoesNotExistIsNotFound) {
  ASSERT_TRUE(registry_.Register(Version("m1")));
  EXPECT_EQ(CodeOf(registry_.Get("absent")), ErrorCode::kNotFound);
  EXPECT_EQ(CodeOf(registry_.GetActive("absent")), ErrorCode::kNotFound);
  EXPECT_EQ(CodeOf(registry_.Activate("absent")), ErrorCode::kNotFound);
  EXPECT_EQ(CodeOf(registry_.Retire("absent")), ErrorCode::kNotFound);
  EXPECT_EQ(CodeOf(registry_.Delete("absent")), ErrorCode::kNotFound);
  EXPECT_EQ(CodeOf(registry_.Promote("absent")), ErrorCode::kNotFound);
  EXPECT_EQ(CodeOf(registry_.RollBack("absent")), ErrorCode::kNotFound);
  EXPECT_EQ(CodeOf(registry_.SetCanary("ranker", "absent", 0.5)), ErrorCode::kNotFound);
  EXPECT_EQ(CodeOf(registry_.SetCanary("absent", "m1", 0.5)), ErrorCode::kNotFound);
  EXPECT_EQ(CodeOf(registry_.Pin().SplitOf("absent")), ErrorCode::kNotFound);
  EXPECT_THAT(IdsIn(registry_.List("absent")), IsEmpty());
}

TEST_P(RegistryOf, BadRegistrationsNameTheField) {
  NewVersion version = Version("m1");
  version.metrics = {{"auc", std::numeric_limits<double>::quiet_NaN()}};
  const auto bad_metric = registry_.Register(version);
  EXPECT_EQ(CodeOf(bad_metric), ErrorCode::kInvalidArgument);
  EXPECT_EQ(bad_metric.error().where, "metrics");
  EXPECT_EQ(CodeOf(registry_.Register(Version("m1", ""))), ErrorCode::kInvalidArgument);
  EXPECT_EQ(CodeOf(registry_.Register(Version("m1", "a/b"))), ErrorCode::kInvalidArgument);
  version = Version("m1");
  version.path = std::string(2048, 'p');
  EXPECT_TRUE(registry_.Register(version));
  version = Version("m2");
  version.path = std::string(2049, 'p');
  EXPECT_EQ(CodeOf(registry_.Register(version)), ErrorCode::kInvalidArgument);
}

TEST_P(RegistryOf, ListAndActiveGoByName) {
  for (const char* id : {"m2", "m1"}) {
    ASSERT_TRUE(registry_.Register(Version(id)));
    clock_->Advance(std::chrono::seconds(1));
  }
  ASSERT_TRUE(registry_.Register(Version("x1", "other")));
  EXPECT_THAT(IdsIn(registry_.List("ranker")), ElementsAre("m2", "m1"));
  EXPECT_THAT(IdsIn(registry_.List("other")), ElementsAre("x1"));
  ASSERT_TRUE(registry_.Activate("m1"));
  EXPECT_EQ(registry_.GetActive("ranker")->id, "m1");
  EXPECT_EQ(CodeOf(registry_.GetActive("other")), ErrorCode::kNotFound);
}

// More than one page of the store.
TEST_P(RegistryOf, ListHoldsAllVersionsOfAName) {
  for (int i = 0; i < 501; ++i) ASSERT_TRUE(registry_.Register(Version("m" + std::to_string(i))));
  EXPECT_EQ(registry_.List("ranker")->size(), 501U);
}

TEST_P(RegistryOf, ActivateMakesOnePrimaryAndTheOthersWait) {
  for (const char* id : {"m1", "m2", "m3"}) ASSERT_TRUE(registry_.Register(Version(id)));
  ASSERT_TRUE(registry_.Activate("m1"));
  ASSERT_TRUE(registry_.SetCanary("ranker", "m3", 0.5));
  EXPECT_TRUE(registry_.Activate("m2")->active);
  EXPECT_FALSE(registry_.Get("m1")->active);
  const Split split = registry_.Pin().SplitOf("ranker").value();
  EXPECT_EQ(split.active->id, "m2");
  EXPECT_FALSE(split.canary);
}

TEST_P(RegistryOf, ALivePrimaryMayBeDeletedHere) {
  ASSERT_TRUE(registry_.Register(Version("m1")));
  ASSERT_TRUE(registry_.Activate("m1"));
  EXPECT_EQ(CodeOf(registry_.Retire("m1")), ErrorCode::kConflict);
  EXPECT_TRUE(registry_.Delete("m1"));
  EXPECT_EQ(CodeOf(registry_.Get("m1")), ErrorCode::kNotFound);
  EXPECT_EQ(CodeOf(registry_.GetActive("ranker")), ErrorCode::kNotFound);
  EXPECT_EQ(registry_.Pin().Choose("ranker", {"s", {}, {}}).reason, Reason::kNoPrimary);
}

TEST_P(RegistryOf, PromoteAndRollBackMoveThePrimary) {
  for (const char* id : {"m1", "m2"}) ASSERT_TRUE(registry_.Register(Version(id)));
  EXPECT_EQ(CodeOf(registry_.Promote("m2")), ErrorCode::kInvalidArgument) << "it is standby";
  ASSERT_TRUE(registry_.Activate("m1", "the first"));
  ASSERT_TRUE(registry_.SetCanary("ranker", "m2", 0.05));

  EXPECT_EQ(registry_.RollBack("ranker")->id, "m2") << "a live canary loses its weight first";
  EXPECT_EQ(registry_.Pin().SplitOf("ranker")->canary_weight, 0.0);
  EXPECT_TRUE(registry_.Promote("m2", "better")->active);
  EXPECT_EQ(registry_.GetActive("ranker")->id, "m2");
  EXPECT_EQ(registry_.RollBack("ranker", "worse after all")->id, "m1");
  EXPECT_EQ(registry_.GetActive("ranker")->id, "m1");
  EXPECT_EQ(CodeOf(registry_.RollBack("ranker")), ErrorCode::kConflict);

  const std::vector<AuditEntry> history = registry_.History("ranker", 3).value();
  ASSERT_EQ(history.size(), 3U);
  EXPECT_EQ(history[0].kind, "rollback");
  EXPECT_EQ(history[0].actor, "ada");
  EXPECT_EQ(history[0].reason, "worse after all");
  EXPECT_EQ(history[0].from, "m2");
  EXPECT_EQ(history[0].to, "m1");
  EXPECT_EQ(history[1].kind, "promote");
  EXPECT_EQ(history[2].weight_before, 0.05);
  EXPECT_EQ(CodeOf(registry_.History("ranker", 501)), ErrorCode::kInvalidArgument);
}

TEST_P(RegistryOf, WeightsAreWithinZeroAndOne) {
  for (const char* id : {"m1", "m2"}) ASSERT_TRUE(registry_.Register(Version(id)));
  ASSERT_TRUE(registry_.Activate("m1"));
  for (const double weight : {-0.0001, 1.0001, 0.00005, std::numeric_limits<double>::quiet_NaN(),
                              std::numeric_limits<double>::infinity()}) {
    SCOPED_TRACE(weight);
    const auto refused = registry_.SetCanary("ranker", "m2", weight);
    EXPECT_EQ(CodeOf(refused), ErrorCode::kInvalidArgument);
    EXPECT_EQ(refused.error().where, "weight");
    EXPECT_EQ(CodeOf(registry_.SetArms("ranker", {{"m2", weight}})), ErrorCode::kInvalidArgument);
  }
  for (const double weight : {0.0, 0.0001, 0.29, 1.0}) {
    SCOPED_TRACE(weight);
    ASSERT_TRUE(registry_.SetCanary("ranker", "m2", weight));
    EXPECT_DOUBLE_EQ(registry_.Pin().SplitOf("ranker")->canary_weight, weight);
  }
  EXPECT_EQ(registry_.EndCanary("ranker")->id, "m2");
  EXPECT_EQ(CodeOf(registry_.EndCanary("ranker")), ErrorCode::kConflict);
}

TEST_P(RegistryOf, ReasonsHaveALimit) {
  ASSERT_TRUE(registry_.Register(Version("m1")));
  EXPECT_EQ(CodeOf(registry_.Activate("m1", std::string(1025, 'r'))), ErrorCode::kInvalidArgument);
  EXPECT_TRUE(registry_.Activate("m1", std::string(1024, 'r')));
}

TEST(RegistryFile, OutlivesTheProcess) {
  const podium::testing::TempDir folder;
  {
    Registry registry = Registry::Open(folder / "models.db").value();
    ASSERT_TRUE(registry.Register(Version("m1")));
    ASSERT_TRUE(registry.Activate("m1"));
  }
  const Registry registry = Registry::Open(folder / "models.db").value();
  EXPECT_EQ(registry.GetActive("ranker")->id, "m1");
  EXPECT_EQ(registry.Pin().Choose("ranker", {"s", {}, {}}).version->id, "m1");
}

TEST(RegistryFile, AFileThatCannotBeOpenedIsUnavailable) {
  const auto opened = Registry::Open("/proc/no-such-place/models.db");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kUnavailable) << opened.error().message;
  EXPECT_THAT(opened.error().message, HasSubstr("no-such-place"));
}

TEST(ModelVersionJson, OmitsMetricsWhenThereAreNone) {
  ModelVersion version{"m1", "ranker", "1", "a.onnx", "onnx", WallTime(), {}, true};
  EXPECT_EQ(ToJson(version),
            R"({"id":"m1","name":"ranker","version":"1","path":"a.onnx","format":"onnx",)"
            R"("created_at":"1970-01-01T00:00:00.000000Z","active":true})");
  version.metrics = {{"auc", 0.5}};
  EXPECT_THAT(ToJson(version), HasSubstr(R"("metrics":{"auc":0.5},"active")"));
}

}  // namespace
}  // namespace podium::v1
