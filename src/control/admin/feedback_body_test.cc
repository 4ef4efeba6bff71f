// What callers send as feedback: taken whole, or refused with the item that is wrong.
#include "control/admin/feedback_body.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"

namespace podium::control {
namespace {

using ::testing::HasSubstr;

constexpr const char* kGood = R"({"route":"r","request_id":"q","label":1})";

TEST(FeedbackBody, IsOneItemAListOrLines) {
  struct Case {
    const char* name;
    std::string body;
    FeedbackForm form;
    std::size_t want;
  };
  const std::string two = std::string(kGood) + "," + kGood;
  const Case cases[] = {
      {"one", kGood, FeedbackForm::kJson, 1},
      {"a list", "[" + two + "]", FeedbackForm::kJson, 2},
      {"items", "{\"items\":[" + two + "]}", FeedbackForm::kJson, 2},
      {"lines", std::string(kGood) + "\n\r\n  \n" + kGood, FeedbackForm::kLines, 2},
      {"lines with an end", std::string(kGood) + "\r\n", FeedbackForm::kLines, 1},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const auto items = ReadFeedbackBody(c.body, c.form);
    ASSERT_TRUE(items) << Describe(items.error());
    EXPECT_EQ(items->size(), c.want);
    EXPECT_EQ(items->at(0).feedback.route, "r");
    EXPECT_EQ(items->at(0).feedback.request_id, "q");
    EXPECT_EQ(items->at(0).feedback.label, 1);
  }
}

TEST(FeedbackBody, EveryFieldIsRead) {
  const auto items = ReadFeedbackBody(
      R"({"id":"x","label":false,"score":-2.5,"prediction":0.25,"row":9999})", FeedbackForm::kJson);
  ASSERT_TRUE(items) << Describe(items.error());
  EXPECT_EQ(items->at(0).id, "x");
  const Feedback& feedback = items->at(0).feedback;
  EXPECT_EQ(feedback.label, 0);
  EXPECT_EQ(feedback.score, -2.5);
  EXPECT_EQ(feedback.prediction, 0.25);
  EXPECT_EQ(feedback.row, 9999);
}

TEST(FeedbackBody, WhatIsWrongIsNamed) {
  struct Case {
    const char* body;
    FeedbackForm form;
    const char* want;
  };
  const Case cases[] = {
      {"", FeedbackForm::kLines, "no item"},
      {"[]", FeedbackForm::kJson, "no item"},
      {"{", FeedbackForm::kJson, ""},
      {"5", FeedbackForm::kJson, "object"},
      {R"([{"route":"r","request_id":"q","label":1},{"label":1}])", FeedbackForm::kJson, "item 2"},
      {"{\"route\":\"r\",\"request_id\":\"q\",\"label\":1}\n{", FeedbackForm::kLines, "item 2"},
      {R"({"route":"r","label":1})", FeedbackForm::kJson, "one of the two"},
      {R"({"request_id":"q","id":"x","label":1})", FeedbackForm::kJson, "one of the two"},
      {R"({"request_id":"q"})", FeedbackForm::kJson, "label"},
      {R"({"request_id":"q","label":"1"})", FeedbackForm::kJson, "label"},
      {R"({"request_id":"q","label":1,"row":10000})", FeedbackForm::kJson, "row"},
      {R"({"request_id":"q","label":1,"row":0.5})", FeedbackForm::kJson, "row"},
      {R"({"request_id":"q","label":1,"colour":"red"})", FeedbackForm::kJson, "colour"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.body);
    const auto items = ReadFeedbackBody(c.body, c.form);
    ASSERT_FALSE(items);
    EXPECT_EQ(items.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(items.error().message, HasSubstr(c.want));
  }
}

TEST(FeedbackBody, SoManyItemsAndNoMore) {
  std::string lines;
  for (std::size_t i = 0; i < limits::kMaxFeedbackBatch; ++i) lines += std::string(kGood) + "\n";
  EXPECT_TRUE(ReadFeedbackBody(lines, FeedbackForm::kLines));
  lines += kGood;
  EXPECT_EQ(ReadFeedbackBody(lines, FeedbackForm::kLines).error().code, ErrorCode::kTooLarge);
}

}  // namespace
}  // namespace podium::control
