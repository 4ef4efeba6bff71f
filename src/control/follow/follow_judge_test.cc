#include "control/follow/follow_judge.h"

#include <gtest/gtest.h>

#include <string>

#include "control/follow/follow_world_fixture.h"
#include "control/follow/followed_rows.h"

namespace podium::control {
namespace {

constexpr const char* kThree =
    R"({"inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 3]}]})";
constexpr const char* kFour =
    R"({"inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 4]}]})";

class Judging : public FollowWorld {
 protected:
  /// Why a mutation is refused; empty when it is not.
  std::string Why(const store::ModelMutation& mutation, bool trust = false) {
    const SourceFinder finder(tree_, folder_ / "artifacts", 1000);
    const FollowJudge judge(
        store_, models_, publisher_, finder, [this](const ModelId& id) { return StatusOf(id); },
        [this](const RouteName&, const std::string&) { return trouble_; }, trust);
    const Status good = judge.Judge(mutation);
    if (good) return "";
    EXPECT_EQ(good.error().code, ErrorCode::kInvalidArgument);
    EXPECT_TRUE(good.error().message.starts_with("Route ads follows this model, and version "))
        << good.error().message;
    return good.error().message;
  }
  std::optional<FollowTrouble> trouble_;  ///< Of every version.

  static bool Says(const std::string& text, const char* word) {
    return text.find(word) != std::string::npos;
  }
  static store::SetAlias ToChampion(std::int64_t number) { return {kModel, "champion", number}; }

  /// A version of the model that serves the route, or stands by there.
  ModelVersion Serve(std::int64_t number, bool activate, const std::string& signature = "") {
    const auto version = models_.ReadModelVersion(kModel, number);
    ModelVersion row = RowFor(kRoute, *version, {"file:x", std::string(64, 'a'), signature}, {});
    row.model_id = ModelId("id" + std::to_string(number));
    EXPECT_TRUE(Apply(store::RegisterVersion{row}));
    if (activate) EXPECT_TRUE(Apply(store::ActivateVersion{row.model_id}));
    return row;
  }
  std::int64_t Lost() {
    RegisteredVersion version;
    version.name = kModel;
    version.source = "s3://bucket/model";
    return Model(store::CreateVersion{version}).version->number;
  }
};

// What did not fit is tried anew at once when a person says that it shall, not after a pause.
TEST(TroubleKeyOf, AForceIsANewBeginning) {
  RegisteredVersion version;
  version.name = "m";
  version.number = 1;
  const std::string before = TroubleKeyOf(version);
  version.tags["team"] = "ml";
  version.tags[std::string(kForceTag)] = "not a name!\n";
  EXPECT_EQ(TroubleKeyOf(version), before);
  version.tags[std::string(kForceTag)] = "dora";
  EXPECT_NE(TroubleKeyOf(version), before);
}

// The person who moves an alias is told at once, not by a banner an hour later.
TEST_F(Judging, RefusesWhatCannotBeServed) {
  const std::int64_t good = NewVersion();
  const std::int64_t lost = Lost();
  EXPECT_EQ(Why(ToChampion(lost)), "") << "nobody follows";
  FollowIt();
  EXPECT_EQ(Why(ToChampion(good)), "");
  EXPECT_TRUE(
      Says(Why(ToChampion(lost)), "s3://bucket/model is not in this server's artifact store"));
  EXPECT_TRUE(Says(Why(ToChampion(lost)), "Nothing was changed"));
  EXPECT_EQ(Why(store::SetAlias{kModel, "best", lost}), "") << "an alias that means nothing here";
  EXPECT_NE(Why(store::SetAlias{kModel, "challenger", lost}), "");
  EXPECT_NE(Why(store::TransitionVersion{kModel, lost, ModelStage::kProduction, false}), "");
  EXPECT_NE(Why(store::TransitionVersion{kModel, lost, ModelStage::kStaging, false}), "");
  EXPECT_EQ(Why(store::TransitionVersion{kModel, lost, ModelStage::kArchived, false}), "");
  EXPECT_EQ(Why(store::SetVersionTag{kModel, lost, "a", "b"}), "");
}

// What MLflow's registry refuses by itself keeps its own words and codes.
TEST_F(Judging, LeavesToTheStoreWhatIsTheStores) {
  NewVersion();
  FollowIt();
  EXPECT_EQ(Why(ToChampion(99)), "");
  EXPECT_EQ(Why(store::SetAlias{"nobody", "champion", 1}), "");
  EXPECT_EQ(Why(store::DeleteAlias{kModel, "champion"}), "");
  EXPECT_EQ(Why(store::DeleteModelVersion{kModel, 99}), "");
  EXPECT_EQ(Why(store::DeleteModel{kModel}), "");
}

// An alias that goes, or a version that leaves a stage, brings another one in.
TEST_F(Judging, ForeseesWhoComesInstead) {
  const std::int64_t lost = Lost();
  const std::int64_t good = NewVersion();
  const std::int64_t better = NewVersion();
  for (const std::int64_t number : {lost, good, better}) {
    Model(store::TransitionVersion{kModel, number, ModelStage::kProduction, false});
  }
  Champion(good);
  FollowIt();
  EXPECT_EQ(Why(store::DeleteAlias{kModel, "champion"}), "") << "better, which can be served";
  Model(store::DeleteModelVersion{kModel, better});
  Model(store::TransitionVersion{kModel, good, ModelStage::kNone, false});
  EXPECT_TRUE(Says(Why(store::DeleteAlias{kModel, "champion"}), "version 1 cannot be served"));
  EXPECT_TRUE(Says(Why(store::DeleteModelVersion{kModel, good}), "version 1 cannot be served"));
}

TEST_F(Judging, ForeseesWhoIsBelowTheHighest) {
  const std::int64_t lost = Lost();
  for (int i = 0; i < 5; ++i) NewVersion();
  const std::int64_t highest = NewVersion();
  Model(store::TransitionVersion{kModel, lost, ModelStage::kProduction, false});
  Model(store::TransitionVersion{kModel, highest, ModelStage::kProduction, false});
  FollowIt("Production");
  EXPECT_TRUE(Says(Why(store::DeleteModelVersion{kModel, highest}), "version 1 cannot be served"));
  EXPECT_NE(Why(store::TransitionVersion{kModel, highest, ModelStage::kArchived, false}), "");
  EXPECT_EQ(Why(store::TransitionVersion{kModel, highest, ModelStage::kProduction, true}), "");
}

TEST_F(Judging, ForeseesWhatANameBrings) {
  Champion(Lost());
  Follow follow;
  follow.model = "new-name";
  ASSERT_TRUE(Apply(store::SetFollow{kRoute, follow}));
  EXPECT_TRUE(Says(Why(store::RenameModel{kModel, "new-name"}), "version 1 cannot be served"));
  EXPECT_EQ(Why(store::RenameModel{kModel, "another"}), "");
}

// A rollback detached the route: what is said of the model then is for later.
TEST_F(Judging, AsksNothingOfAHeldRoute) {
  const std::int64_t first = NewVersion();
  const std::int64_t second = NewVersion();
  Serve(first, true);
  Serve(second, true);
  FollowIt();
  const std::int64_t lost = Lost();
  EXPECT_NE(Why(ToChampion(lost)), "");
  ASSERT_TRUE(Apply(store::RollBackRoute{kRoute}));
  EXPECT_EQ(Why(ToChampion(lost)), "");
}

TEST_F(Judging, RefusesWhatHasFailedHere) {
  const std::int64_t first = NewVersion();
  const std::int64_t second = NewVersion();
  Serve(first, true);
  Serve(second, false);
  FollowIt();
  EXPECT_EQ(Why(ToChampion(second)), "");
  states_["2"] = LoadState::kFailed;
  EXPECT_TRUE(Says(Why(ToChampion(second)), "it does not load: it crashed"));
  states_["1"] = LoadState::kFailed;
  EXPECT_EQ(Why(ToChampion(first)), "") << "it serves already: there is nothing to put in front";
  states_.clear();
  ASSERT_TRUE(Apply(store::RetireVersion{ModelId("id2")}));
  EXPECT_TRUE(Says(Why(ToChampion(second)), "retired"));
}

// What the follower has found out is not found out again by the next one who moves an alias.
TEST_F(Judging, RefusesWhatDidNotLoadLately) {
  FollowIt();
  const std::int64_t number = NewVersion();
  trouble_ = FollowTrouble{"bad magic", false, true};
  EXPECT_TRUE(Says(Why(ToChampion(number)), "bad magic"));
  trouble_ = FollowTrouble{"the registry was away", true, true};
  EXPECT_EQ(Why(ToChampion(number)), "");
  trouble_ = FollowTrouble{"it does not fit the primary of then", false, false};
  EXPECT_EQ(Why(ToChampion(number)), "");
}

// The callers of a route must not be broken by a word in another registry.
TEST_F(Judging, RefusesASignatureThatDoesNotFit) {
  const std::int64_t first = NewVersion();
  const std::int64_t other = NewVersion();
  Serve(first, true, kThree);
  FollowIt();
  EXPECT_EQ(Why(ToChampion(other)), "") << "nobody knows what it takes";
  Declare(other, kFour);
  const std::string why = Why(ToChampion(other));
  EXPECT_TRUE(Says(why, "does not fit the callers of the primary, version 1")) << why;
  EXPECT_TRUE(Says(why, "podium.force")) << why;
  EXPECT_EQ(Why(ToChampion(other), true), "") << "the registry is trusted like a person";
  Declare(other, kThree);
  EXPECT_EQ(Why(ToChampion(other)), "");
  Declare(other, kFour);
  for (const char* nobody : {"", "a b", "'; --"}) {
    Model(store::SetVersionTag{kModel, other, "podium.force", nobody});
    EXPECT_NE(Why(ToChampion(other)), "") << nobody;
  }
  Model(store::SetVersionTag{kModel, other, "podium.force",
                             std::string(kMostForceNameBytes + 1, 'a')});
  EXPECT_NE(Why(ToChampion(other)), "");
  Model(store::SetVersionTag{kModel, other, "podium.force", std::string(kMostForceNameBytes, 'a')});
  EXPECT_EQ(Why(ToChampion(other)), "") << "a named person forces it";
  Serve(other, false, kFour);
  EXPECT_EQ(Why(ToChampion(other)), "");
  Model(store::DeleteVersionTag{kModel, other, "podium.force"});
  EXPECT_NE(Why(ToChampion(other)), "") << "as its row declares it";
}

// INV-8's cousin: a file that cannot be read is said; a registry that is away is the commit's.
TEST_F(Judging, GoesByWhatMlmodelTells) {
  Serve(NewVersion(), true, kThree);
  FollowIt();
  Put({"m", "model.onnx"}, "bytes");
  Put({"m", "MLmodel"},
      "flavors: {onnx: {data: model.onnx}}\n"
      "signature:\n"
      "  inputs: '[{\"type\": \"tensor\", \"name\": \"x\", \"tensor-spec\": {\"dtype\": "
      "\"float32\", \"shape\": [-1, 4]}}]'\n");
  RegisteredVersion version;
  version.name = kModel;
  version.source = "mlflow-artifacts:/m";
  const std::int64_t logged = Model(store::CreateVersion{version}).version->number;
  EXPECT_TRUE(Says(Why(ToChampion(logged)), "does not fit the callers"));
}

}  // namespace
}  // namespace podium::control
