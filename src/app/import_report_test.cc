// The report at the end of an import: who reads only that must know what is left to do.
#include "app/import_report.h"

#include <gtest/gtest.h>

#include "app/import_progress.h"

namespace podium::app {
namespace {

Json ImportedAnswer(const char* text) { return *ParseJson(text); }

TEST(ImportReport, CountsWhatTheServerSays) {
  ImportReport report;
  EXPECT_TRUE(report.AddAnswer("m", ImportedAnswer(R"({"model":{"outcome":"conflict"},
      "versions":[{"version":"1","outcome":"created"},{"version":"2","outcome":"unchanged"},
                  {"version":"3","outcome":"conflict"}],
      "aliases":[{"alias":"a","outcome":"updated"}],
      "conflicts":[{"version":null,"alias":null,"detail":"words differ"},
                   {"version":"3","alias":null,"detail":"another"}]})"),
                               true));
  // The second page of the same model: the model's own conflict counts once.
  EXPECT_TRUE(report.AddAnswer("m", ImportedAnswer(R"({"model":{"outcome":"conflict"},
      "versions":[{"version":"4","outcome":"created"}],"aliases":[],
      "conflicts":[{"version":null,"alias":null,"detail":"words differ"}]})"),
                               false));
  report.AddFailed({"n", 0, "", "no"});
  report.AddFailed({"n", 7, "", "no"});
  report.AddFailed({"n", 7, "gone", "no"});
  RegisteredVersion refused;
  refused.number = 9;
  report.AddRefused("n", {refused}, "too large");
  EXPECT_EQ(report.models(), (ImportCounts{0, 0, 0, 1, 1}));
  EXPECT_EQ(report.versions(), (ImportCounts{2, 0, 1, 1, 2}));
  EXPECT_EQ(report.aliases(), (ImportCounts{0, 1, 0, 0, 1}));
  EXPECT_EQ(report.Text(3),
            "          CREATED  UPDATED  UNCHANGED  CONFLICTS  FAILED\n"
            "models          0        0          0          1       1\n"
            "versions        2        0          1          1       2\n"
            "aliases         0        1          0          0       1\n"
            "conflict: m: words differ\n"
            "conflict: m version 3: another\n"
            "failed: n: no\n"
            "… and 3 more: --json lists the first 10,000\n");
  const Json json = report.ToJson();
  EXPECT_EQ(json["versions"]["created"], 2);
  EXPECT_EQ(json["findings"].size(), 6U);
  EXPECT_EQ(json["findings"][4], *ParseJson(R"({"kind":"failed","model":"n","version":"7",
      "alias":"gone","detail":"no"})"));
}

TEST(ImportReport, WhatIsNoAnswerIsSaid) {
  for (const char* text : {"{}", "[]", R"({"model":{"outcome":"created"}})",
                           R"({"model":{"outcome":"eaten"},"versions":[],"aliases":[],
                               "conflicts":[]})",
                           R"({"model":{"outcome":"created"},"versions":[{}],"aliases":[],
                               "conflicts":[]})"}) {
    ImportReport report;
    EXPECT_FALSE(report.AddAnswer("m", ImportedAnswer(text), true)) << text;
  }
}

// Scripts go by the exit code: done, something differs, something is missing.
TEST(ImportReport, TheVerdictIsTheExitCode) {
  ImportReport report;
  EXPECT_TRUE(report.Verdict());
  report.AddAnswer("m", ImportedAnswer(R"({"model":{"outcome":"unchanged"},"versions":[],
      "aliases":[{"alias":"a","outcome":"conflict"}],"conflicts":[]})"),
                   true);
  ASSERT_FALSE(report.Verdict());
  EXPECT_EQ(report.Verdict().error().exit, ExitCode::kConflict);
  EXPECT_NE(report.Verdict().error().fix.find("--overwrite"), std::string::npos);
  report.AddFailed({"m", 0, "", "no"});
  EXPECT_EQ(report.Verdict().error().exit, ExitCode::kFailed);
}

TEST(ImportReport, FilesThatStayBehindAreSaid) {
  ImportReport report;
  const auto note = [&](const char* source, const char* storage) {
    RegisteredVersion version;
    version.source = source;
    version.storage_location = storage;
    report.NoteArtifacts(version);
  };
  note("s3://b", "");
  note("mlflow-artifacts:/1", "");
  note("models:/m-1", "mlflow-artifacts:/2");
  note("file:///x", "");
  note("/y", "");
  EXPECT_EQ(report.ToJson()["artifacts_not_copied"],
            (Json{{"mlflow_artifacts", 2}, {"source_files", 2}}));
  EXPECT_NE(report.Text(0).find("the files of 2 versions are behind"), std::string::npos);
}

// Text of the other server never steers the terminal.
TEST(ImportReport, NamesAreMadePrintable) {
  EXPECT_EQ(Line({false, "m\x1b[31m", 0, "", "a\nb"}), "failed: m?[31m: a?b");
  EXPECT_EQ(Line({true, "m", 3, "champion", "x"}), "conflict: m alias champion (version 3): x");
  EXPECT_EQ(Line({false, "", -1, "", "x"}), "failed: a model: x");
}

// INV-16: at the limit and one past it.
TEST(ImportReport, KeepsSoManyFindings) {
  ImportReport report;
  for (std::size_t i = 0; i <= kMostFindings; ++i) report.AddFailed({"m", 1, "", "x"});
  EXPECT_EQ(report.findings().size(), kMostFindings);
  EXPECT_EQ(report.ToJson()["findings_left_out"], 1);
  EXPECT_EQ(report.versions().failed, kMostFindings + 1);
}

TEST(ImportProgress, TheBarGoesByModels) {
  EXPECT_EQ(ImportBar(0, 3, 0),
            "[                              ]   0 %  0 of 3 models, 0 versions");
  EXPECT_EQ(ImportBar(1, 2, 1200),
            "[===============               ]  50 %  1 of 2 models, 1,200 versions");
  EXPECT_EQ(ImportBar(1, 1, 1), "[==============================] 100 %  1 of 1 model, 1 version");
  EXPECT_EQ(ImportBar(0, 0, 0),
            "[==============================] 100 %  0 of 0 models, 0 versions");
}

}  // namespace
}  // namespace podium::app
