#include "gateway/whole_body.h"

#include <gtest/gtest.h>

namespace podium::gateway {
namespace {

// INV-16: at the limit and one past it, in one piece and in several.
TEST(WholeBody, HasALimit) {
  struct Case {
    std::vector<std::string_view> pieces;
    bool fits;
  };
  const Case cases[] = {
      {{""}, true},
      {{"1234", ""}, true},
      {{"12345"}, false},
      {{"12", "34", ""}, true},
      {{"12", "34", "5"}, false},
  };
  for (const Case& c : cases) {
    WholeBody body(4);
    std::string all;
    for (const std::string_view piece : c.pieces) {
      ASSERT_FALSE(body.is_over());
      body.Take(piece);
      all += piece;
    }
    ASSERT_TRUE(body.is_over());
    const Result<std::string> text = body.Text();
    ASSERT_EQ(text.has_value(), c.fits) << all;
    if (c.fits) EXPECT_EQ(*text, all);
    if (!c.fits) EXPECT_EQ(text.error().code, ErrorCode::kTooLarge);
  }
}

TEST(WholeBody, EndsWithAnError) {
  WholeBody body(4);
  body.Take(std::string_view("12"));
  body.Take(Fail(ErrorCode::kUnavailable, "cut"));
  ASSERT_TRUE(body.is_over());
  EXPECT_EQ(body.Text().error().message, "cut");
}

}  // namespace
}  // namespace podium::gateway
