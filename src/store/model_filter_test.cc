#include "store/model_filter.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "domain/model_limits.h"
#include "store/search_limits.h"

namespace podium::store {
namespace {

RegisteredVersion Version() {
  RegisteredVersion version;
  version.name = "Iris";
  version.number = 12;
  version.run_id = "r1";
  version.source = "s3://bucket/iris/12";
  version.tags = {{"team", "ml"}, {"a.b c", "x"}, {"it's", "100%"}, {"empty", ""}};
  return version;
}

RegisteredModel Model() {
  RegisteredModel model;
  model.name = "Iris";
  model.tags = Version().tags;
  return model;
}

// The whole grammar on one row. A filter that is misread shows people the wrong models.
TEST(VersionFilter, JudgesOneRow) {
  struct Case {
    std::string text;
    bool want;
  };
  const std::vector<Case> cases = {
      {"", true},
      {"   ", true},
      {"name = 'Iris'", true},
      {"name='Iris'", true},
      {"name = \"Iris\"", true},
      {"name = 'iris'", false},
      {"attribute.name = 'Iris'", true},
      {"attributes.name = 'Iris'", true},
      {"attribute.`name` = 'Iris'", true},
      {"`name` = 'Iris'", true},
      {"name != 'x'", true},
      {"name <> 'Iris'", false},
      {"name LIKE 'Ir%'", true},
      {"name like 'ir%'", false},
      {"name ILIKE 'iR%'", true},
      {"name LIKE '_ris'", true},
      {"name LIKE '_is'", false},
      {"name LIKE '%r%s%'", true},
      {"name LIKE '%s%r%'", false},
      {"name LIKE 'Iris%'", true},
      {"name LIKE 'Iri'", false},
      {"name LIKE ''", false},
      {"name LIKE '%'", true},
      {"name IN ('a', 'Iris')", true},
      {"name in('a')", false},
      {"name NOT IN ('a', 'b')", true},
      {"name not in ('Iris')", false},
      {"run_id = 'r1'", true},
      {"run_id IN ('r1','r2')", true},
      {"run_id NOT IN ('r1')", false},
      {"source_path LIKE 's3://%/12'", true},
      {"source_path ILIKE 'S3://BUCKET%'", true},
      {"source_path != 's3://bucket/iris/12'", false},
      {"version_number = 12", true},
      {"version_number != 12", false},
      {"version_number > 11", true},
      {"version_number >= 13", false},
      {"version_number < 13", true},
      {"version_number <= 12", true},
      {"version_number >= -1", true},
      {"tags.team = 'ml'", true},
      {"tag.team = 'ml'", true},
      {"tags.team != 'ml'", false},
      {"tags.`team` = 'ml'", true},
      {"tags.\"team\" = 'ml'", true},
      {"tags.`a.b c` = 'x'", true},
      {"tags.`it's` LIKE '100%'", true},
      {"tags.empty = ''", true},
      {"tags.empty LIKE '%'", true},
      {"tags.absent = 'x'", false},
      {"tags.absent != 'x'", false},
      {"name = 'Iris' AND version_number = 12", true},
      {"name = 'Iris' and tags.team = 'x'", false},
      {"name = 'Iris' AND name = 'Iris' AND run_id = 'r2'", false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    const auto filter = ParseVersionFilter(c.text);
    ASSERT_TRUE(filter) << filter.error().message;
    EXPECT_EQ(Matches(*filter, Version()), c.want);
  }
}

TEST(VersionFilter, QuotesWithinAreWrittenTwice) {
  RegisteredVersion version = Version();
  version.name = "it's \"x\"";
  EXPECT_TRUE(Matches(*ParseVersionFilter("name = 'it''s \"x\"'"), version));
  EXPECT_TRUE(Matches(*ParseVersionFilter("name = \"it's \"\"x\"\"\""), version));
}

// Patterns count characters, not bytes.
TEST(VersionFilter, APlaceIsOneCharacter) {
  RegisteredVersion version = Version();
  version.name = "日本語";
  EXPECT_TRUE(Matches(*ParseVersionFilter("name LIKE '___'"), version));
  EXPECT_TRUE(Matches(*ParseVersionFilter("name LIKE '%_語'"), version));
  EXPECT_FALSE(Matches(*ParseVersionFilter("name LIKE '____'"), version));
}

// Whoever guesses what was meant answers another question than the one asked.
TEST(VersionFilter, RefusesWhatItDoesNotUnderstand) {
  const std::vector<std::string> texts = {
      "name",
      "name =",
      "name 'x'",
      "= 'x'",
      "'name' = 'x'",
      "name = x",
      "name = `x`",
      "name = 1",
      "name = 'x",
      "name == 'x'",
      "name = 'x' OR name = 'y'",
      "name = 'x' AND",
      "AND name = 'x'",
      "name = 'x' name = 'y'",
      "(name = 'x')",
      "NOT name = 'x'",
      "name = 'x';",
      "name = 'x'; DROP TABLE model_versions",
      "name IS NULL",
      "name > 'x'",
      "name IN 'x'",
      "name IN ()",
      "name IN ('x' 'y')",
      "name IN ('x',)",
      "name IN ('x'",
      "name NOT LIKE 'x'",
      "name NOT",
      "version_number = '1'",
      "version_number = 1.5",
      "version_number = 1e3",
      "version_number LIKE '1'",
      "version_number IN (1)",
      "version_number = 9223372036854775808",
      "version_number = --1",
      "source_path IN ('x')",
      "source_path > 'x'",
      "tags.a IN ('x')",
      "tags.a > 'x'",
      "tags. = 'x'",
      "tags.'a' = 'x'",
      "aliases = 'x'",
      "current_stage = 'Production'",
      "stage = 'x'",
      "metrics.a > 1",
      "attribute.foo = 'x'",
      "name = 'x' -- comment",
      std::string("name = 'x'\0", 11),
  };
  for (const std::string& text : texts) {
    SCOPED_TRACE(text);
    const auto filter = ParseVersionFilter(text);
    ASSERT_FALSE(filter);
    EXPECT_EQ(filter.error().code, ErrorCode::kInvalidArgument);
    EXPECT_FALSE(filter.error().message.empty());
  }
  EXPECT_EQ(ParseVersionFilter("name = 'x' OR name = 'y'").error().message,
            "Invalid clause(s) in filter string: OR");
}

TEST(ModelFilter, KnowsNamesAndTagsOnly) {
  EXPECT_TRUE(Matches(*ParseModelFilter("name ILIKE '%IS' AND tags.team = 'ml'"), Model()));
  EXPECT_FALSE(Matches(*ParseModelFilter("name IN ('x')"), Model()));
  for (const char* text : {"run_id = 'x'", "version_number = 1", "source_path = 'x'"}) {
    SCOPED_TRACE(text);
    EXPECT_FALSE(ParseModelFilter(text));
  }
}

// Every client of 3.x adds such a clause to every search: without the exception nothing is found.
TEST(ModelFilter, WhatIsNotMarkedIsNoPrompt) {
  const auto not_true = *ParseModelFilter("tag.`mlflow.prompt.is_prompt` != 'true'");
  const auto is_true = *ParseModelFilter("tag.`mlflow.prompt.is_prompt` = 'true'");
  RegisteredModel prompt = Model();
  prompt.tags["mlflow.prompt.is_prompt"] = "true";
  EXPECT_TRUE(Matches(not_true, Model()));
  EXPECT_FALSE(Matches(is_true, Model()));
  EXPECT_FALSE(Matches(not_true, prompt));
  EXPECT_TRUE(Matches(is_true, prompt));
}

// People who look for models do not want to page through prompts.
TEST(Filter, FindsPromptsOnlyWhenAsked) {
  RegisteredModel model = Model();
  model.tags["mlflow.prompt.is_prompt"] = "true";
  RegisteredVersion version = Version();
  version.tags["mlflow.prompt.is_prompt"] = "true";
  struct Case {
    std::string text;
    bool want;
  };
  for (const Case& c : {
           Case{"", false},
           Case{"name = 'Iris'", false},
           Case{"tags.team = 'ml'", false},
           Case{"tags.`mlflow.prompt.is_prompt` = 'true'", true},
           Case{"tags.`mlflow.prompt.is_prompt` != 'false'", true},
           Case{"tags.`mlflow.prompt.is_prompt` LIKE 'true'", false},
           Case{"tags.`mlflow.prompt.is_prompt` != 'true'", false},
           Case{"name = 'Iris' AND tags.`mlflow.prompt.is_prompt` = 'true'", true},
           Case{"name = 'x' AND tags.`mlflow.prompt.is_prompt` = 'true'", false},
       }) {
    SCOPED_TRACE(c.text);
    EXPECT_EQ(Matches(*ParseModelFilter(c.text), model), c.want);
    EXPECT_EQ(Matches(*ParseVersionFilter(c.text), version), c.want);
  }
  EXPECT_FALSE(Matches(*ParseModelFilter("tags.`mlflow.prompt.is_prompt` != 'false'"), Model()));
}

// A pattern of many '%' must not be tried in every combination.
TEST(Filter, ManyWildcardsEnd) {
  RegisteredVersion version = Version();
  version.tags["long"] = std::string(limits::kMaxVersionTagValueChars, 'a');
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "%a";
  EXPECT_TRUE(Matches(*ParseVersionFilter("tags.long LIKE '" + pattern + "'"), version));
  EXPECT_FALSE(Matches(*ParseVersionFilter("tags.long LIKE '" + pattern + "b'"), version));
}

TEST(Filter, APatternHasALimit) {
  const std::string most(limits::kMaxLikePatternBytes, 'x');
  for (const std::string comparator : {"LIKE", "ILIKE"}) {
    EXPECT_TRUE(ParseModelFilter(fmt::format("name {} '{}'", comparator, most)));
    EXPECT_FALSE(ParseModelFilter(fmt::format("name {} '{}x'", comparator, most)));
  }
  EXPECT_TRUE(ParseModelFilter("name = '" + most + "x'"));
}

TEST(Filter, HasLimits) {
  std::string clauses = "name != ''";
  for (std::size_t i = 1; i < limits::kMaxSearchClauses; ++i) clauses += " AND name != ''";
  EXPECT_TRUE(ParseModelFilter(clauses));
  EXPECT_FALSE(ParseModelFilter(clauses + " AND name != ''"));

  std::string list = "name IN (''";
  for (std::size_t i = 1; i < limits::kMaxSearchValues; ++i) list += ",''";
  EXPECT_TRUE(ParseModelFilter(list + ")"));
  EXPECT_FALSE(ParseModelFilter(list + ",'')"));

  const std::string head = "name = '";
  const std::string most(limits::kMaxSearchFilterBytes - head.size() - 1, 'x');
  EXPECT_TRUE(ParseModelFilter(head + most + "'"));
  EXPECT_FALSE(ParseModelFilter(head + most + "x'"));
}

TEST(Filter, TellsWhatIsPinned) {
  EXPECT_EQ(PinnedBy(*ParseVersionFilter("run_id = 'r' AND name = 'a'"), FilterField::kName), "a");
  EXPECT_EQ(PinnedBy(*ParseVersionFilter("name IN ('a')"), FilterField::kName), "a");
  EXPECT_EQ(PinnedBy(*ParseVersionFilter("name IN ('a', 'b')"), FilterField::kName), std::nullopt);
  EXPECT_EQ(PinnedBy(*ParseVersionFilter("name != 'a'"), FilterField::kName), std::nullopt);
  EXPECT_EQ(PinnedBy(*ParseVersionFilter("name LIKE 'a'"), FilterField::kName), std::nullopt);
}

}  // namespace
}  // namespace podium::store
