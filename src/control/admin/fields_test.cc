#include "control/admin/fields.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace podium::control {
namespace {

struct Seen {
  std::string text;
  std::optional<double> number;
  MetricMap metrics;
  TagMap tags;
  Status status;
};

Seen Read(std::string_view json) {
  const Json body = *ParseJson(json);
  Fields fields(body);
  Seen seen;
  seen.text = fields.RequiredText("name", 5);
  seen.number = fields.Number("share");
  seen.metrics = fields.Metrics("metrics");
  seen.tags = fields.Tags("tags");
  fields.Array("list");
  seen.status = fields.Finish();
  return seen;
}

TEST(Fields, ReadsWhatIsThere) {
  const Seen seen = Read(
      R"({"name": "abc", "share": 2.5, "metrics": {"auc": 1}, "tags": {"team": "x"}, "list": []})");
  ASSERT_TRUE(seen.status) << seen.status.error().message;
  EXPECT_EQ(seen.text, "abc");
  EXPECT_EQ(seen.number, 2.5);
  EXPECT_EQ(seen.metrics, (MetricMap{{"auc", 1.0}}));
  EXPECT_EQ(seen.tags, (TagMap{{"team", "x"}}));
  EXPECT_TRUE(Read(R"({"name": "abc", "share": null})").status);
}

// A misspelt field that is silently ignored promotes the wrong thing.
TEST(Fields, SaysWhichFieldIsWrong) {
  struct Case {
    const char* json;
    const char* where;
  };
  const Case cases[] = {
      {R"({})", "/name"},
      {R"({"name": ""})", "/name"},
      {R"({"name": null})", "/name"},
      {R"({"name": 7})", "/name"},
      {R"({"name": "abcdef"})", "/name"},
      {R"({"name": "a\u0007"})", "/name"},
      {R"({"name": "abc", "nmae": "x"})", "/nmae"},
      {R"({"name": "abc", "share": "5"})", "/share"},
      {R"({"name": "abc", "metrics": []})", "/metrics"},
      {R"({"name": "abc", "metrics": {"auc": "1"}})", "/metrics"},
      {R"({"name": "abc", "metrics": {"": 1}})", "/metrics"},
      {R"({"name": "abc", "tags": {"a": 1}})", "/tags"},
      {R"({"name": "abc", "list": {}})", "/list"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.json);
    const Status status = Read(c.json).status;
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(status.error().where, c.where);
  }
}

TEST(Fields, Invariant16MapsHaveALimit) {
  Json metrics;
  for (std::size_t i = 0; i < limits::kMaxTags; ++i) metrics["m" + std::to_string(i)] = 1;
  const auto accepts = [&] {
    return Read(DumpJson({{"name", "abc"}, {"metrics", metrics}})).status.has_value();
  };
  EXPECT_TRUE(accepts());
  metrics["one-more"] = 1;
  EXPECT_FALSE(accepts());
}

}  // namespace
}  // namespace podium::control
