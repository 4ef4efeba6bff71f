#include "control/follow/followed_rows.h"

#include <gtest/gtest.h>

#include <chrono>

#include "store/registration.h"

namespace podium::control {
namespace {

RegisteredVersion Registered(std::int64_t number, int created_s = 0,
                             std::string source = "s3://b") {
  RegisteredVersion version;
  version.name = "ads-ranker";
  version.number = number;
  version.source = std::move(source);
  version.run_id = "run";
  version.created_at = WallTime(std::chrono::seconds(created_s));
  return version;
}

ModelVersion RowOf(const RegisteredVersion& version, const std::string& id,
                   const std::vector<ModelVersion>& rows = {}) {
  ModelVersion row = RowFor(RouteName("ads"), version, {"file:x", std::string(64, 'a'), ""}, rows);
  row.model_id = ModelId(id);
  return row;
}

// A model that is made anew counts from 1 again: its version 1 is another model.
TEST(IdentityOf, TellsVersionsApartAndNothingElse) {
  const std::string identity = IdentityOf(Registered(1));
  EXPECT_EQ(identity.size(), 16U);
  EXPECT_NE(identity, IdentityOf(Registered(2)));
  EXPECT_NE(identity, IdentityOf(Registered(1, 1)));
  EXPECT_NE(identity, IdentityOf(Registered(1, 0, "s3://c")));
  RegisteredVersion same = Registered(1);
  same.name = "renamed";
  same.stage = ModelStage::kProduction;
  same.description = "words";
  same.tags = {{"a", "b"}};
  same.aliases = {"champion"};
  same.updated_at = WallTime(std::chrono::seconds(9));
  EXPECT_EQ(identity, IdentityOf(same));
}

TEST(FindRow, FindsTheOneThatMayServe) {
  const RegisteredVersion wanted = Registered(1);
  EXPECT_EQ(FindRow({}, wanted), nullptr);
  EXPECT_EQ(FindRow({RowOf(Registered(2), "other"), RowOf(Registered(1, 5), "older")}, wanted),
            nullptr);
  ModelVersion retired = RowOf(wanted, "retired");
  retired.status = VersionStatus::kRetired;
  ModelVersion deleted = RowOf(wanted, "deleted");
  deleted.deleted = true;
  EXPECT_EQ(FindRow({deleted}, wanted), nullptr);
  EXPECT_EQ(FindRow({retired, deleted}, wanted)->model_id, ModelId("retired"));
  EXPECT_EQ(FindRow({retired, RowOf(wanted, "good")}, wanted)->model_id, ModelId("good"));
  EXPECT_EQ(FindRow({RowOf(wanted, "good"), retired}, wanted)->model_id, ModelId("good"));
}

TEST(RowFor, IsARowThatTheTableTakes) {
  RegisteredVersion version = Registered(3);
  for (const std::string& name : {std::string("ads-ranker"), std::string("größe 1 (neu)"),
                                  std::string("日本"), std::string(256, 'x'), std::string("-")}) {
    version.name = name;
    const auto checked = store::CheckRegistration(RowOf(version, ""));
    ASSERT_TRUE(checked) << name << ": " << checked.error().message;
    EXPECT_EQ(checked->version, "3");
    EXPECT_EQ(checked->tags.at("mlflow.model"), name);
    EXPECT_EQ(checked->status, VersionStatus::kStandby);
    EXPECT_EQ(checked->load, LoadPolicy::kLazy) << "a challenger that is none any more is unloaded";
    EXPECT_EQ(checked->source_run, "run");
  }
}

TEST(RowFor, TakesAnotherLabelWhereItsOwnIsTaken) {
  ModelVersion by_hand;
  by_hand.version = "3";
  by_hand.status = VersionStatus::kRetired;
  EXPECT_EQ(RowOf(Registered(3), "", {by_hand}).version, "3-" + IdentityOf(Registered(3)));
  by_hand.deleted = true;
  EXPECT_EQ(RowOf(Registered(3), "", {by_hand}).version, "3");
}

}  // namespace
}  // namespace podium::control
