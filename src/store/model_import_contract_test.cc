// Bringing a model over from another registry, on every database.
#include <chrono>

#include "base/json.h"
#include "domain/model_limits.h"
#include "store/model_store_contract.h"

namespace podium::store {
namespace {

class ImportContract : public ModelContract {
 protected:
  static WallTime Day(int day) { return WallTime(std::chrono::hours(24 * day)); }

  static RegisteredVersion Row(std::int64_t number) {
    RegisteredVersion row;
    row.name = "m";
    row.number = number;
    row.stage = number % 2 == 0 ? ModelStage::kProduction : ModelStage::kNone;
    row.description = "it's; DROP TABLE model_versions\n";
    row.source = fmt::format("file:///old/{}", number);
    row.storage_location = "s3://b/it's";
    row.run_id = "r";
    row.run_link = "http://x/?a=1&b='";
    row.model_id = "m-1";
    row.user = "Zoë";
    row.tags = {{"k", "ü"}};
    row.created_at = Day(100 + static_cast<int>(number));
    row.updated_at = Day(200 + static_cast<int>(number));
    return row;
  }
  static ImportModel Whole() {
    ImportModel import;
    import.model = {"m", "words", {{"team", "ml"}}, {{"champion", 4}}, Day(100), Day(300)};
    import.versions = {Row(1), Row(2), Row(4)};
    return import;
  }
  ImportReport Bring(const ImportModel& import, bool changes = true) {
    clock_.Advance(std::chrono::seconds(1));
    const std::size_t events = opened_.events().size();
    const std::size_t rows = AuditRows();
    const auto done = store().ApplyModel(import, {"ann", "import", "r-1"});
    EXPECT_TRUE(done) << Describe(done.error());
    if (!done) return {};
    EXPECT_EQ(done->changed, changes);
    EXPECT_EQ(opened_.events().size(), events + (changes ? 1 : 0));
    EXPECT_EQ(AuditRows(), rows + (changes ? 1 : 0));
    EXPECT_TRUE(done->import);
    return done->import.value_or(ImportReport());
  }
  std::size_t AuditRows() { return store().ListModelAudit({"", 500, ""})->items.size(); }
};

INSTANTIATE_TEST_SUITE_P(Stores, ImportContract, ::testing::ValuesIn(ModelBackends()),
                         [](const auto& info) { return info.param.name; });

TEST_P(ImportContract, AModelComesOverAsItIs) {
  const ImportReport report = Bring(Whole());
  EXPECT_EQ(report.model, ImportOutcome::kCreated);
  EXPECT_TRUE(report.conflicts.empty());
  const ModelListing listing = *store().ReadModel("m");
  EXPECT_EQ(listing.model, Whole().model);
  for (RegisteredVersion want : Whole().versions) {
    if (want.number == 4) want.aliases = {"champion"};
    EXPECT_EQ(*store().ReadModelVersion("m", want.number), want);
  }
  EXPECT_EQ(store().ReadAlias("m", "champion")->number, 4);
  EXPECT_EQ(Found("name = 'm'", {"version_number ASC"}), "m/1 m/2 m/4");
  EXPECT_EQ(store().ReadModelVersion("m", 3).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(Version("m"), 5) << "numbers go on behind the highest";
}

// Who runs it again after an interruption must end with the same registry, and a quiet trail.
TEST_P(ImportContract, TheSameAgainChangesNothing) {
  Bring(Whole());
  const ModelListing before = *store().ReadModel("m");
  const ImportReport report = Bring(Whole(), false);
  EXPECT_EQ(report.model, ImportOutcome::kUnchanged);
  for (const ImportedVersion& version : report.versions) {
    EXPECT_EQ(version.outcome, ImportOutcome::kUnchanged) << version.number;
  }
  EXPECT_EQ(report.aliases.at(0).outcome, ImportOutcome::kUnchanged);
  EXPECT_EQ(*store().ReadModel("m"), before);
}

TEST_P(ImportContract, PagesComeOneByOne) {
  ImportModel page = Whole();
  page.versions = {Row(1), Row(2)};
  page.model.aliases.clear();
  Bring(page);
  EXPECT_EQ(Versions("m"), "1=None 2=Production");
  const ImportReport report = Bring(Whole());
  EXPECT_EQ(report.versions.at(0).outcome, ImportOutcome::kUnchanged);
  EXPECT_EQ(report.versions.at(2).outcome, ImportOutcome::kCreated);
  EXPECT_EQ(Versions("m"), "1=None 2=Production 4=Production@champion");
}

TEST_P(ImportContract, WhatIsHereStays) {
  Model("m", {{"own", "x"}});
  EXPECT_EQ(Version("m", "s3://ours"), 1);
  Version("m", "s3://gone");
  Do(DeleteModelVersion{"m", 2});
  Version("m", "s3://more");
  Do(SetAlias{"m", "mine", 3});
  Do(SetAlias{"m", "champion", 1});
  const ImportReport report = Bring(Whole());
  EXPECT_EQ(report.conflicts.size(), 3U) << "versions 1 and 2, and the alias";
  EXPECT_EQ(Versions("m"), "1=None@champion 3=None@mine 4=Production");
  EXPECT_EQ(store().ReadModelVersion("m", 1)->source, "s3://ours");
  EXPECT_EQ(store().ReadModel("m")->model.tags, (TagMap{{"own", "x"}, {"team", "ml"}}));
  EXPECT_EQ(Bring(Whole(), false).conflicts, report.conflicts);

  ImportModel over = Whole();
  over.overwrite = true;
  Bring(over);
  EXPECT_EQ(Versions("m"), "1=None 3=None@mine 4=Production@champion");
  EXPECT_EQ(store().ReadModelVersion("m", 1)->source, "s3://ours") << "never overwritten";
}

TEST_P(ImportContract, OverwritingTakesTheOthersWord) {
  Bring(Whole());
  Do(TransitionVersion{"m", 1, ModelStage::kArchived, false});
  Do(UpdateVersion{"m", 1, "ours"});
  Do(SetVersionTag{"m", 1, "k", "ours"});
  Do(UpdateModel{"m", "ours"});
  EXPECT_EQ(Bring(Whole(), false).conflicts.size(), 4U);
  ImportModel over = Whole();
  over.overwrite = true;
  EXPECT_TRUE(Bring(over).conflicts.empty());
  EXPECT_EQ(store().ReadModelVersion("m", 1)->description, Row(1).description);
  EXPECT_EQ(store().ReadModelVersion("m", 1)->stage, ModelStage::kNone);
  EXPECT_EQ(store().ReadModelVersion("m", 1)->tags, Row(1).tags);
  EXPECT_EQ(store().ReadModel("m")->model.description, "words");
  Bring(over, false);
}

TEST_P(ImportContract, ADryRunLeavesNothing) {
  ImportModel dry = Whole();
  dry.dry_run = true;
  const ImportReport report = Bring(dry, false);
  EXPECT_EQ(report.model, ImportOutcome::kCreated);
  EXPECT_EQ(report.versions.size(), 3U);
  EXPECT_EQ(report.aliases.at(0).outcome, ImportOutcome::kCreated);
  EXPECT_EQ(store().ReadModel("m").error().code, ErrorCode::kNotFound);
}

TEST_P(ImportContract, OneBadVersionAndNothingOfTheCallIsIn) {
  ImportModel bad = Whole();
  bad.versions[2].run_id = std::string(limits::kMaxRunIdChars + 1, 'x');
  EXPECT_EQ(Refuse(bad), "invalid_argument: run_id has 65 characters, the limit is 64");
  EXPECT_EQ(store().ReadModel("m").error().code, ErrorCode::kNotFound);
}

TEST_P(ImportContract, TheTrailSaysWhatCameOver) {
  Bring(Whole());
  const ModelAudit row = store().ListModelAudit({"m", 10, ""})->items.at(0);
  EXPECT_EQ(row.kind, "podium.registered_model.imported");
  EXPECT_EQ(row.origin, "import");
  EXPECT_EQ(row.actor, "ann");
  EXPECT_EQ(row.version, 0);
  EXPECT_EQ(row.before, "{}");
  const Json after = *ParseJson(row.after);
  EXPECT_EQ(after["aliases"]["champion"], 4);
  EXPECT_EQ(after["versions"]["4"]["source"], "file:///old/4");
  const Json event = *ParseJson(opened_.events().at(0).second);
  EXPECT_EQ(event["origin"], "import");
  EXPECT_EQ(event["versions"], (Json{"1", "2", "4"}));
  EXPECT_EQ(event["model_audit"]["hash"], row.hash);
  EXPECT_FALSE(event.contains("after")) << "a page of versions is too much for an event";
  EXPECT_EQ(row.hash, HashOf(row));
}

TEST_P(ImportContract, AsManyVersionsAsOneCallTakes) {
  ImportModel import = Whole();
  import.versions.clear();
  for (std::size_t i = 1; i <= limits::kMaxImportVersions; ++i) {
    import.versions.push_back(Row(static_cast<std::int64_t>(i)));
  }
  Bring(import);
  EXPECT_EQ(*store().ReadModelVersion("m", 100), Row(100));
  Bring(import, false);
  import.versions.push_back(Row(static_cast<std::int64_t>(limits::kMaxImportVersions) + 1));
  EXPECT_TRUE(Refuse(import).starts_with("invalid_argument: there are 101 versions"));
}

}  // namespace
}  // namespace podium::store
