// What a model that comes from another registry does to the rows that are here: nothing is lost,
// nothing is overwritten unasked, and what differs is said.
#include "store/import_decide.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>

#include "domain/model_limits.h"

namespace podium::store {
namespace {

constexpr WallTime ImportDay(int day) { return WallTime(std::chrono::hours(24 * day)); }
constexpr WallTime kImportNow = ImportDay(20'000);

RegisteredModel ImportedModel() {
  return {"m", "words", {{"team", "ml"}}, {}, ImportDay(1), ImportDay(9)};
}

RegisteredVersion ImportedRow(std::int64_t number) {
  RegisteredVersion version;
  version.name = "m";
  version.number = number;
  version.stage = ModelStage::kStaging;
  version.description = "d";
  version.source = fmt::format("file:///models/{}", number);
  version.run_id = "r";
  version.run_link = "http://x/r";
  version.user = "ann";
  version.tags = {{"k", "v"}};
  version.created_at = ImportDay(2);
  version.updated_at = ImportDay(3);
  return version;
}

ImportModel Import(std::vector<RegisteredVersion> versions, AliasMap aliases = {}) {
  ImportModel import;
  import.model = ImportedModel();
  import.model.aliases = std::move(aliases);
  import.versions = std::move(versions);
  return import;
}

/// "model created; 1 created, 2 conflict; champion created | v2: text"
std::string Told(const ModelChanges& changes) {
  const ImportReport& report = *changes.import;
  std::string text = fmt::format("model {};", NameOf(report.model));
  for (const ImportedVersion& version : report.versions) {
    text += fmt::format(" {} {};", version.number, NameOf(version.outcome));
  }
  for (const ImportedAlias& alias : report.aliases) {
    text += fmt::format(" {}={} {};", alias.alias, alias.number, NameOf(alias.outcome));
  }
  for (const ImportConflict& conflict : report.conflicts) {
    text += fmt::format(" | {}{}{}: {}", conflict.number, conflict.alias.empty() ? "" : "@",
                        conflict.alias, conflict.detail);
  }
  return text + (changes.changed ? "" : " (nothing written)");
}

Result<ModelChanges> Decide(const ModelSnapshot& state, const ImportModel& import) {
  return DecideImport(state, import, {"ann", "import", "r-1"}, kImportNow);
}

/// As it is here once `import` is in: with version 1 and its alias.
ModelSnapshot Here() {
  ModelSnapshot state;
  state.model = ImportedModel();
  state.model->aliases = {{"champion", 1}};
  state.siblings = {ImportedRow(1)};
  return state;
}

TEST(ImportDecide, WhatIsNotHereComesAsItIs) {
  const auto done = Decide({}, Import({ImportedRow(1), ImportedRow(7)}, {{"champion", 7}}));
  ASSERT_TRUE(done) << Describe(done.error());
  EXPECT_EQ(Told(*done), "model created; 1 created; 7 created; champion=7 created;");
  EXPECT_EQ(done->model->created_at, ImportDay(1));
  EXPECT_EQ(done->model->updated_at, ImportDay(9));
  EXPECT_EQ(done->model->aliases, (AliasMap{{"champion", 7}}));
  EXPECT_EQ(done->aliases_set,
            (std::vector<std::pair<std::string, std::int64_t>>{{"champion", 7}}));
  ASSERT_EQ(done->versions.size(), 2U);
  EXPECT_EQ(done->versions[1], ImportedRow(7)) << "number, stage, times, user and source are kept";
  EXPECT_EQ(done->event_type, "podium.registered_model.imported");
  EXPECT_EQ(done->event_data["origin"], "import");
  EXPECT_EQ(done->event_data["versions"], (Json{"1", "7"}));
}

struct Difference {
  const char* name;
  std::function<void(ModelSnapshot& here, ImportModel& there)> make;
  const char* told;       ///< As it is without `overwrite`.
  const char* overwrite;  ///< And with it; null: the same.
};

// Each row would lose somebody's work, or hide that it differs, if it were decided otherwise.
TEST(ImportDecide, WhatIsHereStaysAndWhatDiffersIsSaid) {
  constexpr const char* kSame =
      "model unchanged; 1 unchanged; champion=1 unchanged; (nothing written)";
  const Difference cases[] = {
      {"the same again", [](auto&, auto&) {}, kSame, nullptr},
      {"more here than there",
       [](ModelSnapshot& here, ImportModel&) {
         here.model->tags["own"] = "x";
         here.model->aliases["own"] = 1;
         here.siblings[0].tags["own"] = "y";
       },
       kSame, nullptr},
      {"changed later here, times only",
       [](ModelSnapshot& here, ImportModel&) {
         here.model->updated_at = ImportDay(30);
         here.siblings[0].updated_at = ImportDay(30);
       },
       kSame, nullptr},
      {"texts that are empty there",
       [](ModelSnapshot&, ImportModel& there) {
         there.model.description.reset();
         there.versions[0].description.clear();
         there.versions[0].run_link.clear();
       },
       kSame, nullptr},
      {"texts and tags that are missing here",
       [](ModelSnapshot& here, ImportModel&) {
         here.model->description.reset();
         here.siblings[0].tags.clear();
       },
       "model updated; 1 updated; champion=1 unchanged;", nullptr},
      {"the model's words",
       [](ModelSnapshot& here, ImportModel&) { here.model->description = "ours"; },
       "model conflict; 1 unchanged; champion=1 unchanged; | 0: description is \"ours\" here, "
       "\"words\" there (nothing written)",
       "model updated; 1 unchanged; champion=1 unchanged;"},
      {"a tag, and another that is new",
       [](ModelSnapshot& here, ImportModel& there) {
         here.siblings[0].tags["k"] = "w";
         there.versions[0].tags["new"] = "n";
       },
       "model unchanged; 1 conflict; champion=1 unchanged; | 1: tag \"k\" is \"w\" here, \"v\" "
       "there",
       "model unchanged; 1 updated; champion=1 unchanged;"},
      {"a stage",
       [](ModelSnapshot& here, ImportModel&) { here.siblings[0].stage = ModelStage::kProduction; },
       "model unchanged; 1 conflict; champion=1 unchanged; | 1: stage is Production here, Staging "
       "there (nothing written)",
       "model unchanged; 1 updated; champion=1 unchanged;"},
      {"another source",
       [](ModelSnapshot& here, ImportModel&) { here.siblings[0].source = "s3://ours"; },
       "model unchanged; 1 conflict; champion=1 conflict; | 1: another version has its number "
       "here: source is \"s3://ours\" here, \"file:///models/1\" there | 1@champion: it was not "
       "set: another version has that number here (nothing written)",
       nullptr},
      {"another run", [](ModelSnapshot& here, ImportModel&) { here.siblings[0].run_id = "q"; },
       "model unchanged; 1 conflict; champion=1 conflict; | 1: another version has its number "
       "here: run is \"q\" here, \"r\" there | 1@champion: it was not set: another version has "
       "that number here (nothing written)",
       nullptr},
      {"deleted here",
       [](ModelSnapshot& here, ImportModel&) {
         here.siblings[0].stage = ModelStage::kDeleted;
         here.model->aliases.clear();
       },
       "model unchanged; 1 conflict; champion=1 conflict; | 1: it was deleted here, and its number "
       "is never given again | 1@champion: it was not set: another version has that number here "
       "(nothing written)",
       nullptr},
      {"an alias elsewhere",
       [](ModelSnapshot& here, ImportModel&) { here.model->aliases["champion"] = 5; },
       "model unchanged; 1 unchanged; champion=1 conflict; | 1@champion: it names version 5 here, "
       "1 there (nothing written)",
       "model unchanged; 1 unchanged; champion=1 updated;"},
      {"an alias of a version that did not come along",
       [](ModelSnapshot& here, ImportModel& there) {
         here.siblings.push_back(ImportedRow(4));
         there.model.aliases = {{"old", 4}, {"lost", 6}};
       },
       "model unchanged; 1 unchanged; lost=6 conflict; old=4 created; | 6@lost: it was not set: "
       "that version is not here",
       nullptr},
      {"a version more there",
       [](ModelSnapshot&, ImportModel& there) { there.versions.push_back(ImportedRow(2)); },
       "model unchanged; 1 unchanged; 2 created; champion=1 unchanged;", nullptr},
  };
  for (const Difference& c : cases) {
    for (const bool overwrite : {false, true}) {
      SCOPED_TRACE(fmt::format("{}, overwrite {}", c.name, overwrite));
      ModelSnapshot here = Here();
      ImportModel there = Import({ImportedRow(1)}, {{"champion", 1}});
      c.make(here, there);
      there.overwrite = overwrite;
      const auto done = Decide(here, there);
      ASSERT_TRUE(done) << Describe(done.error());
      EXPECT_EQ(Told(*done), overwrite && c.overwrite != nullptr ? c.overwrite : c.told);
      there.dry_run = true;
      const auto dry = Decide(here, there);
      ASSERT_TRUE(dry);
      EXPECT_FALSE(dry->changed);
      EXPECT_EQ(dry->import->conflicts, done->import->conflicts);
      EXPECT_EQ(dry->import->versions, done->import->versions);
    }
  }
}

// What is brought over twice must come to rest: a third time nothing is left to do.
TEST(ImportDecide, OverwritingComesToRest) {
  ModelSnapshot here = Here();
  here.siblings[0].stage = ModelStage::kArchived;
  here.siblings[0].updated_at = ImportDay(40);
  here.model->description = "ours";
  ImportModel there = Import({ImportedRow(1)}, {{"champion", 1}});
  there.overwrite = true;
  const auto done = Decide(here, there);
  ASSERT_TRUE(done);
  EXPECT_TRUE(done->changed);
  EXPECT_EQ(done->versions.at(0).updated_at, ImportDay(40)) << "times never step back";
  ModelSnapshot after;
  after.model = done->model;
  after.siblings = done->versions;
  EXPECT_FALSE(Decide(after, there)->changed);
}

TEST(ImportDecide, WhatIsWrongInItselfIsRefusedWhole) {
  const std::string long_text(limits::kMaxSourceChars + 1, 'x');
  struct Case {
    const char* where;
    std::function<void(ImportModel&)> spoil;
  };
  const Case cases[] = {
      {"/name", [](ImportModel& i) { i.model.name = "a/b"; }},
      {"/name", [](ImportModel& i) { i.model.name.clear(); }},
      {"/description", [](ImportModel& i) { i.model.description = std::string(5001, 'x'); }},
      {"/tags", [](ImportModel& i) { i.model.tags = {{"", "x"}}; }},
      {"/tags", [](ImportModel& i) { i.model.tags = {{"k", std::string("a\0b", 3)}}; }},
      {"/aliases", [](ImportModel& i) { i.model.aliases = {{"latest", 1}}; }},
      {"/aliases", [](ImportModel& i) { i.model.aliases = {{"v3", 1}}; }},
      {"/aliases", [](ImportModel& i) { i.model.aliases = {{"a", 0}}; }},
      {"/created_at", [](ImportModel& i) { i.model.created_at = ImportDay(-1); }},
      {"/versions/1", [](ImportModel& i) { i.versions[1].number = 1; }},
      {"/versions/0", [](ImportModel& i) { i.versions[0].number = 0; }},
      {"/versions/0", [](ImportModel& i) { i.versions[0].number = limits::kMaxVersionNumber + 1; }},
      {"/versions/1", [&](ImportModel& i) { i.versions[1].source = long_text; }},
      {"/versions/1", [&](ImportModel& i) { i.versions[1].run_link = long_text; }},
      {"/versions/1", [](ImportModel& i) { i.versions[1].run_id = std::string(65, 'x'); }},
      {"/versions/1", [](ImportModel& i) { i.versions[1].user = std::string(257, 'x'); }},
      {"/versions/1", [](ImportModel& i) { i.versions[1].description = "\xff"; }},
      {"/versions/1", [](ImportModel& i) { i.versions[1].stage = ModelStage::kDeleted; }},
      {"/versions/1", [](ImportModel& i) { i.versions[1].updated_at = WallTime::max(); }},
  };
  for (const Case& c : cases) {
    ImportModel import = Import({ImportedRow(1), ImportedRow(2)});
    c.spoil(import);
    const auto done = Decide(Here(), import);
    ASSERT_FALSE(done) << c.where;
    EXPECT_EQ(done.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(done.error().where, c.where) << done.error().message;
  }
}

// INV-16: at the limit and one past it.
TEST(ImportDecide, OneCallHasSoManyVersions) {
  ImportModel import = Import({});
  for (std::size_t i = 0; i < limits::kMaxImportVersions; ++i) {
    import.versions.push_back(ImportedRow(static_cast<std::int64_t>(i) + 1));
  }
  EXPECT_TRUE(Decide({}, import));
  import.versions.push_back(ImportedRow(limits::kMaxVersionNumber));
  const auto done = Decide({}, import);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().where, "/versions");
  import.versions.erase(import.versions.begin());
  EXPECT_TRUE(Decide({}, import));
}

TEST(ImportDecide, RoomForTagsAndAliasesIsKept) {
  ModelSnapshot here = Here();
  for (std::size_t i = 0; here.siblings[0].tags.size() < limits::kMaxModelTags; ++i) {
    here.siblings[0].tags[fmt::format("t{}", i)] = "";
  }
  for (std::int64_t i = 0; here.model->aliases.size() < limits::kMaxAliases; ++i) {
    here.model->aliases[fmt::format("a{}", i)] = 1;
  }
  ImportModel there = Import({ImportedRow(1)}, {{"more", 1}});
  there.versions[0].tags = {{"more", ""}};
  const auto done = Decide(here, there);
  ASSERT_TRUE(done);
  EXPECT_FALSE(done->changed);
  ASSERT_EQ(done->import->conflicts.size(), 2U);
  EXPECT_NE(done->import->conflicts[0].detail.find("not all tags have room"), std::string::npos);
  EXPECT_NE(done->import->conflicts[1].detail.find("has 1000 aliases"), std::string::npos);
}

}  // namespace
}  // namespace podium::store
