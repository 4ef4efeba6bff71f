#include "store/cursor.h"

#include <gtest/gtest.h>

namespace podium::store {
namespace {

TEST(Cursor, WhatWasWrittenIsRead) {
  const VersionKey keys[] = {
      {RouteName("iris"), WallTime(std::chrono::microseconds(1'700'000'000'000'001)), ModelId("a")},
      {RouteName(""), WallTime::min(), ModelId("")},
      {RouteName("with:colons"), WallTime(), ModelId("7:x")},
      {RouteName(std::string("\0\xff", 2)), WallTime::max(), ModelId("v1:1:a")},
  };
  for (const VersionKey& key : keys) {
    const auto read = DecodeVersionCursor(EncodeCursor(key));
    ASSERT_TRUE(read) << EncodeCursor(key);
    EXPECT_EQ(*read, key);
  }
  for (const std::int64_t number : {std::int64_t{0}, std::int64_t{1}, INT64_MAX}) {
    EXPECT_EQ(DecodePromotionCursor(EncodeCursor(Revision(number))), Revision(number));
    EXPECT_EQ(DecodeRolloutCursor(EncodeRolloutCursor(Revision(number))), Revision(number));
    EXPECT_EQ(DecodeVerdictCursor(EncodeVerdictCursor(number)), number);
  }
}

// Hexadecimal of what stands in the comment.
TEST(Cursor, WhatWeDidNotWriteIsRefused) {
  const char* const versions[] = {
      "",
      "7",
      "zz",
      "76",                                                // v
      "76313a",                                            // v1:
      "76313a313a",                                        // v1:1:      (route shorter than said)
      "76313a2d313a61",                                    // v1:-1:a
      "7630313a313a6162",                                  // v01:1:ab   (a leading zero)
      "762b313a313a6162",                                  // v+1:1:ab
      "7639393939393939393939393939393939393939393a303a",  // a number past 64 bits
      "70313a",                                            // p1:        (of the other list)
      "76313A313A6162",                                    // upper-case digits
  };
  for (const char* text : versions) {
    SCOPED_TRACE(text);
    const auto read = DecodeVersionCursor(text);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, ErrorCode::kInvalidArgument);
  }
  for (const char* text : {"", "70", "7031", "70313a30", "7030313a", "76313a313a6162"}) {
    EXPECT_FALSE(DecodePromotionCursor(text)) << text;
    EXPECT_FALSE(DecodeRolloutCursor(text)) << text;
    EXPECT_FALSE(DecodeVerdictCursor(text)) << text;
  }
}

}  // namespace
}  // namespace podium::store
