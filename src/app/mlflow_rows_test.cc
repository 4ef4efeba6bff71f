// An MLflow server's JSON, the good and the hostile: a bad row costs itself and nothing beside it.
#include "app/mlflow_rows.h"

#include <gtest/gtest.h>

#include "domain/model_limits.h"

namespace podium::app {
namespace {

constexpr const char* kGoodSourceModel = R"({"name":"m","creation_timestamp":1700000000123,
  "last_updated_timestamp":1700000001000,"user_id":"x","description":"words\nand ü",
  "latest_versions":[{"name":"m","version":"2"}],"tags":[{"key":"team","value":"ml"},
  {"key":"empty"}],"aliases":[{"alias":"champion","version":"2"}],"new_field":{"a":[]}})";
constexpr const char* kGoodSourceVersion = R"({"name":"m","version":"2",
  "creation_timestamp":1700000000123,"last_updated_timestamp":"1700000001000","user_id":"ann",
  "current_stage":"Production","description":"d","source":"file:///x","run_id":"r",
  "run_link":"http://x","status":"READY","tags":[{"key":"k","value":"v"}],"model_id":"m-1",
  "model_params":[],"aliases":["champion"]})";

WallTime SourceTime(std::int64_t millis) { return WallTime(std::chrono::milliseconds(millis)); }

Json PageWith(const char* list, const Json& row) {
  Json body = Json::object();
  body[list] = Json::array();
  body[list].push_back(row);
  return body;
}

TEST(MlflowRows, AModelIsReadWhole) {
  const auto page = ReadModelsPage(PageWith("registered_models", *ParseJson(kGoodSourceModel)));
  ASSERT_TRUE(page) << Describe(page.error());
  ASSERT_EQ(page->rows.size(), 1U) << page->unreadable.at(0).problem;
  const RegisteredModel want{"m",
                             "words\nand ü",
                             {{"team", "ml"}, {"empty", ""}},
                             {{"champion", 2}},
                             SourceTime(1'700'000'000'123),
                             SourceTime(1'700'000'001'000)};
  EXPECT_EQ(page->rows[0], want);
  EXPECT_TRUE(page->unreadable.empty());
  EXPECT_EQ(page->next_token, "");
  const auto one =
      ReadOneModel(*ParseJson(fmt::format(R"({{"registered_model":{}}})", kGoodSourceModel)));
  ASSERT_TRUE(one);
  EXPECT_EQ(one->rows.at(0), want);
}

TEST(MlflowRows, AVersionIsReadWhole) {
  const auto page =
      ReadVersionsPage(PageWith("model_versions", *ParseJson(kGoodSourceVersion)), "m");
  ASSERT_TRUE(page);
  ASSERT_EQ(page->rows.size(), 1U) << page->unreadable.at(0).problem;
  RegisteredVersion want;
  want.name = "m";
  want.number = 2;
  want.stage = ModelStage::kProduction;
  want.description = "d";
  want.source = "file:///x";
  want.run_id = "r";
  want.run_link = "http://x";
  want.model_id = "m-1";
  want.user = "ann";
  want.tags = {{"k", "v"}};
  want.created_at = SourceTime(1'700'000'000'123);
  want.updated_at = SourceTime(1'700'000'001'000);
  EXPECT_EQ(page->rows[0], want);
}

TEST(MlflowRows, PagesHaveTheirTokens) {
  EXPECT_EQ(ReadModelsPage(*ParseJson(R"({"next_page_token":"t"})"))->next_token, "t");
  EXPECT_EQ(ReadVersionsPage(*ParseJson(R"({"next_page_token":null})"), "m")->next_token, "");
  for (const char* body : {"[]", "7", "\"x\"", "null", R"({"next_page_token":7})",
                           R"({"registered_models":{},"model_versions":{}})",
                           R"({"registered_models":"x","model_versions":"x"})"}) {
    SCOPED_TRACE(body);
    const Json json = *ParseJson(fmt::format("[{}]", body))->begin();
    const auto models = ReadModelsPage(json);
    ASSERT_FALSE(models);
    EXPECT_EQ(models.error().code, ErrorCode::kUnprocessable);
    EXPECT_FALSE(ReadVersionsPage(json, "m"));
    EXPECT_FALSE(ReadOneModel(json));
  }
  EXPECT_FALSE(ReadOneModel(*ParseJson("{}")));
  EXPECT_EQ(ReadDownloadUri(*ParseJson(R"({"artifact_uri":"s3://x"})")), "s3://x");
  for (const char* body : {"[]", "{}", R"({"artifact_uri":7})"}) {
    EXPECT_EQ(ReadDownloadUri(*ParseJson(body)), "") << body;
  }
}

struct Spoilt {
  const char* field;
  std::string value;
  const char* problem;  ///< A part of it.
};

// What stands beside a bad row comes over all the same.
template <typename Read>
void ExpectEachRefused(const char* good, const char* list, const std::vector<Spoilt>& cases,
                       Read read) {
  for (const Spoilt& c : cases) {
    SCOPED_TRACE(fmt::format("{} = {}", c.field, c.value.substr(0, 60)));
    Json row = *ParseJson(good);
    row[c.field] = *ParseJson("[" + c.value + "]")->begin();
    Json body = PageWith(list, row);
    body[list].push_back(*ParseJson(good));
    const auto page = read(body);
    ASSERT_TRUE(page);
    ASSERT_EQ(page->unreadable.size(), 1U);
    EXPECT_EQ(page->rows.size(), 1U);
    EXPECT_NE(page->unreadable[0].problem.find(c.problem), std::string::npos)
        << page->unreadable[0].problem;
  }
}

TEST(MlflowRows, BadModelsAreSaidAndPassedOver) {
  const std::string many_tags = [] {
    Json tags = Json::array();
    for (std::size_t i = 0; i <= limits::kMaxModelTags; ++i) {
      tags.push_back({{"key", std::to_string(i)}, {"value", ""}});
    }
    return DumpJson(tags);
  }();
  ExpectEachRefused(
      kGoodSourceModel, "registered_models",
      {{"name", "null", "cannot be empty"},
       {"name", "7", "name is number, not text"},
       {"name", "\"a/b\"", "Invalid model name"},
       {"name", "\"" + std::string(257, 'x') + "\"", "257 characters"},
       {"creation_timestamp", "null", "creation_timestamp is missing"},
       {"creation_timestamp", "\"soon\"", "is no whole number"},
       {"creation_timestamp", "1.5", "is no whole number"},
       {"creation_timestamp", "-1", "is no time"},
       {"creation_timestamp", "18446744073709551615", "is no whole number"},
       {"last_updated_timestamp", "9223372036854775807", "is no time"},
       {"description", "{}", "description is object"},
       {"description", "\"" + std::string(5001, 'x') + "\"", "5001 characters"},
       {"tags", "{\"team\":\"ml\"}", "tags is object, not a list"},
       {"tags", "[7]", "tags holds number"},
       {"tags", "[{\"key\":7,\"value\":\"v\"}]", "key is number"},
       {"tags", "[{\"value\":\"v\"}]", "cannot be empty"},
       {"tags", "[{\"key\":\"k\",\"value\":\"v\"},{\"key\":\"k\",\"value\":\"w\"}]", "comes twice"},
       {"tags", many_tags, "501 tags"},
       {"aliases", "\"champion\"", "aliases is string"}},
      [](const Json& body) { return ReadModelsPage(body); });
  const auto odd = ReadModelsPage(PageWith("registered_models", Json("x")));
  EXPECT_EQ(odd->unreadable.at(0).problem, "a model is string, not an object");
}

TEST(MlflowRows, BadVersionsAreSaidAndPassedOver) {
  // Numbered apart from its good neighbour, whose number is 2.
  std::string good = kGoodSourceVersion;
  ExpectEachRefused(
      good.c_str(), "model_versions",
      {{"name", "\"n\"", "said to be of model \"n\""},
       {"name", "null", "said to be of model"},
       {"version", "null", "version is missing"},
       {"version", "\"two\"", "version is no whole number"},
       {"version", "\"0\"", "cannot be"},
       {"version", "\"-1\"", "cannot be"},
       {"version", "2147483648", "cannot be"},
       {"version", "[]", "version is no whole number"},
       {"current_stage", "\"Nowhere\"", "Invalid Model Version stage"},
       {"current_stage", "\"Deleted_Internal\"", "Invalid Model Version stage"},
       {"current_stage", "1", "current_stage is number"},
       {"status", "\"PENDING_REGISTRATION\"", "its status there is PENDING_REGISTRATION"},
       {"status", "\"FAILED_REGISTRATION\"", "its status there is FAILED_REGISTRATION"},
       {"status", "{}", "status is object"},
       {"source", "\"" + std::string(501, 'x') + "\"", "501 characters"},
       {"source", "true", "source is boolean"},
       {"run_id", "\"" + std::string(65, 'x') + "\"", "65 characters"},
       {"run_link", "[]", "run_link is array"},
       {"user_id", "\"" + std::string(257, 'x') + "\"", "257 characters"},
       {"creation_timestamp", "null", "creation_timestamp is missing"},
       {"last_updated_timestamp", "-5", "is no time"},
       {"tags", "[{\"key\":\"k\",\"value\":{}}]", "value is object"},
       {"tags", "[{\"key\":\"k\",\"value\":\"" + std::string(100'001, 'x') + "\"}]",
        "100001 characters"}},
      [](const Json& body) { return ReadVersionsPage(body, "m"); });
  const auto odd = ReadVersionsPage(PageWith("model_versions", Json::array()), "m");
  EXPECT_EQ(odd->unreadable.at(0).problem, "a version is array, not an object");
}

TEST(MlflowRows, ANumberThatComesTwiceIsTakenOnce) {
  Json body = PageWith("model_versions", *ParseJson(kGoodSourceVersion));
  body["model_versions"].push_back(*ParseJson(kGoodSourceVersion));
  body["model_versions"][1]["source"] = "s3://other";
  const auto page = ReadVersionsPage(body, "m");
  ASSERT_EQ(page->rows.size(), 1U);
  EXPECT_EQ(page->rows[0].source, "file:///x");
  EXPECT_EQ(page->unreadable.at(0).problem, "it comes twice in one answer");
  EXPECT_EQ(page->unreadable.at(0).number, 2);
}

TEST(MlflowRows, ABadAliasCostsNoModel) {
  Json row = *ParseJson(kGoodSourceModel);
  row["aliases"] = *ParseJson(R"([{"alias":"ok","version":3},{"alias":"latest","version":"1"},
      {"alias":"v3","version":"1"},{"alias":"a b","version":"1"},{"alias":"none","version":"0"},
      {"alias":"gone"},{"alias":7,"version":"1"},"x",{"alias":"ok","version":"4"}])");
  const auto page = ReadModelsPage(PageWith("registered_models", row));
  ASSERT_EQ(page->rows.size(), 1U);
  EXPECT_EQ(page->rows[0].aliases, (AliasMap{{"ok", 3}}));
  EXPECT_EQ(page->unreadable.size(), 8U);
}

TEST(MlflowRows, PromptsAreKnownByTheirTag) {
  RegisteredModel model;
  EXPECT_FALSE(IsPromptModel(model));
  model.tags["mlflow.prompt.is_prompt"] = "true";
  EXPECT_TRUE(IsPromptModel(model));
}

}  // namespace
}  // namespace podium::app
