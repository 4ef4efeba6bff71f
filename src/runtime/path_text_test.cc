#include "runtime/path_text.h"

#include <gtest/gtest.h>

#include <string>

#include "domain/model_limits.h"

namespace podium::runtime {
namespace {

// A stray '%' must not end the decoding of what stands beside it.
TEST(DecodedFully, DecodesWhatDecodes) {
  EXPECT_EQ(DecodedFully(""), "");
  EXPECT_EQ(DecodedFully("a%20b"), "a b");
  EXPECT_EQ(DecodedFully("%252e%2e"), "..");
  EXPECT_EQ(DecodedFully("%2e%2e/100%"), "../100%");
  EXPECT_EQ(DecodedFully("%zz%2"), "%zz%2");
  EXPECT_EQ(DecodedFully("%00%"), std::string("\0%", 2));
}

TEST(DecodedFully, HasALimit) {
  std::string text = "%41";
  for (int i = 1; i < limits::kMaxPathDecodings; ++i) text.insert(1, "25");
  EXPECT_EQ(DecodedFully(text), "A");
  text.insert(1, "25");
  EXPECT_EQ(DecodedFully(text), std::nullopt);
}

TEST(LeadsUp, EndsStepsWhereOthersDo) {
  for (const char* text :
       {"..", "a/..", "../a", "a\\..\\b", "a/..?x", "a/..#x", "a/..;x", "a?.."}) {
    EXPECT_TRUE(LeadsUp(text)) << text;
  }
  for (const char* text : {"", "a", "...", "..a", "a..", "a/.b/..c", "."}) {
    EXPECT_FALSE(LeadsUp(text)) << text;
  }
}

}  // namespace
}  // namespace podium::runtime
