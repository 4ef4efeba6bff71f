// The body of an import: what was meant is what is read, and what is wrong has its place named.
#include "control/admin/import_body.h"

#include <gtest/gtest.h>

#include <chrono>

namespace podium::control {
namespace {

store::ImportModel SentModel() {
  store::ImportModel import;
  const WallTime made(std::chrono::milliseconds(1'700'000'000'123));
  import.model = {"m", "line\nline", {{"k", ""}}, {{"champion", 2}}, made, made};
  RegisteredVersion version;
  version.name = "m";
  version.number = 2;
  version.stage = ModelStage::kArchived;
  version.description = "ü";
  version.source = "file:///x";
  version.storage_location = "s3://x";
  version.run_id = "r";
  version.run_link = "http://x";
  version.model_id = "m-1";
  version.user = "ann";
  version.tags = {{"a.b", "c"}};
  version.created_at = made;
  version.updated_at = made + std::chrono::seconds(1);
  import.versions = {version};
  import.overwrite = true;
  import.dry_run = true;
  return import;
}

TEST(ImportBody, WhatIsSentIsWhatIsRead) {
  const store::ImportModel sent = SentModel();
  const auto read = ReadImport(*ParseJson(DumpJson(ImportBody(sent))));
  ASSERT_TRUE(read) << Describe(read.error());
  EXPECT_EQ(read->model, sent.model);
  EXPECT_EQ(read->versions, sent.versions);
  EXPECT_TRUE(read->overwrite && read->dry_run);

  const auto least =
      ReadImport(*ParseJson(R"({"name":"m","created_at":"2026-03-09T14:00:00Z","versions":[
          {"version":"1","created_at":"2026-03-09T14:00:00Z","stage":"production"}]})"));
  ASSERT_TRUE(least) << Describe(least.error());
  EXPECT_EQ(least->model.description, std::nullopt);
  EXPECT_EQ(least->model.updated_at, least->model.created_at);
  EXPECT_EQ(least->versions.at(0).stage, ModelStage::kProduction);
  EXPECT_FALSE(least->overwrite || least->dry_run);
}

TEST(ImportBody, SaysWhichFieldIsWrong) {
  struct Case {
    const char* path;   ///< What is replaced of a good body,
    const char* value;  ///< by this.
    const char* where;  ///< Null: as `path`.
  };
  const Case cases[] = {
      {"/name", "7", nullptr},
      {"/name", "\"\"", nullptr},
      {"/name", "null", nullptr},
      {"/description", "[]", nullptr},
      {"/tags", "[]", nullptr},
      {"/tags", R"({"a": 1})", nullptr},
      {"/aliases", "\"x\"", nullptr},
      {"/aliases", R"({"a": 1})", nullptr},
      {"/aliases", R"({"a": "x"})", nullptr},
      {"/created_at", "null", nullptr},
      {"/created_at", "5", nullptr},
      {"/created_at", "\"yesterday\"", nullptr},
      {"/updated_at", "\"2026\"", nullptr},
      {"/overwrite", "1", nullptr},
      {"/dry_run", "\"yes\"", nullptr},
      {"/versions", "{}", nullptr},
      {"/nonsense", "1", nullptr},
      {"/versions/0", "7", nullptr},
      {"/versions/0", "null", nullptr},
      {"/versions/0/version", "2", nullptr},
      {"/versions/0/version", "\"two\"", nullptr},
      {"/versions/0/version", "\"99999999999999999999\"", nullptr},
      {"/versions/0/version", "null", nullptr},
      {"/versions/0/stage", "\"Deleted_Internal\"", nullptr},
      {"/versions/0/stage", "true", nullptr},
      {"/versions/0/source", "{}", nullptr},
      {"/versions/0/run_id", "1", nullptr},
      {"/versions/0/tags", R"({"a": null})", nullptr},
      {"/versions/0/created_at", "\"\"", nullptr},
      {"/versions/0/nonsense", "1", nullptr},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(fmt::format("{} = {}", c.path, c.value));
    Json body = ImportBody(SentModel());
    body[Json::json_pointer(c.path)] = *ParseJson(fmt::format("[{}]", c.value))->begin();
    const auto read = ReadImport(body);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(read.error().where, c.where == nullptr ? c.path : c.where) << read.error().message;
  }
}

TEST(ImportBody, TheAnswerNamesEveryOutcome) {
  store::ModelCommitted committed;
  committed.changed = true;
  committed.import =
      store::ImportReport{store::ImportOutcome::kCreated,
                          {{2, store::ImportOutcome::kConflict}},
                          {{"champion", 2, store::ImportOutcome::kUpdated}},
                          {{2, "", "differs"}, {0, "", "too"}, {2, "champion", "x"}}};
  const Json want = *ParseJson(R"({"changed":true,"dry_run":true,
      "model":{"name":"m","outcome":"created"},
      "versions":[{"version":"2","outcome":"conflict"}],
      "aliases":[{"alias":"champion","version":"2","outcome":"updated"}],
      "conflicts":[{"version":"2","alias":null,"detail":"differs"},
                   {"version":null,"alias":null,"detail":"too"},
                   {"version":"2","alias":"champion","detail":"x"}]})");
  EXPECT_EQ(ImportAnswer(SentModel(), committed), want);
}

}  // namespace
}  // namespace podium::control
