#include "domain/registered_model.h"

#include <gtest/gtest.h>

#include <string>

#include "domain/model_limits.h"

namespace podium {
namespace {

std::string Text(std::size_t characters, std::string_view one = "a") {
  std::string text;
  for (std::size_t i = 0; i < characters; ++i) text += one;
  return text;
}

// What a client reads back is the canonical word, however it was asked for.
TEST(ModelStage, IsReadInAnyCaseAndWrittenInOne) {
  struct Case {
    const char* text;
    std::string_view want;
  };
  for (const Case& c : {Case{"production", "Production"}, Case{"STAGING", "Staging"},
                        Case{"None", "None"}, Case{"aRchived", "Archived"}}) {
    SCOPED_TRACE(c.text);
    EXPECT_EQ(NameOf(*ParseStage(c.text)), c.want);
  }
  for (const char* text : {"", "Prod", "Blah", "Deleted_Internal", "production "}) {
    SCOPED_TRACE(text);
    const auto stage = ParseStage(text);
    ASSERT_FALSE(stage);
    EXPECT_EQ(stage.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(ModelStage, ARowMayHoldADeletedOne) {
  EXPECT_EQ(StageFromRow("Deleted_Internal"), ModelStage::kDeleted);
  EXPECT_EQ(StageFromRow("production"), std::nullopt);
}

TEST(CheckModelName, TakesOddNamesAndRefusesPaths) {
  const std::string most = Text(limits::kMaxModelNameChars, "é");
  for (const std::string& name :
       {std::string("iris"), std::string("a b"), std::string("x'; DROP TABLE model_versions"),
        std::string("größe"), std::string("%2e%2e"), std::string(".hidden"), std::string("a.."),
        std::string("日本"), most}) {
    SCOPED_TRACE(name);
    EXPECT_TRUE(CheckModelName(name));
  }
  for (const std::string& name :
       {std::string(), std::string("a/b"), std::string("a:b"), std::string("."), std::string(".."),
        std::string("..a"), std::string("a\nb"), std::string("a\0b", 3), std::string("\xff"),
        std::string(" "), std::string("   "), most + "a"}) {
    SCOPED_TRACE(name);
    EXPECT_FALSE(CheckModelName(name));
  }
}

TEST(CheckAlias, RefusesWhatMeansAVersion) {
  for (const std::string& alias :
       {std::string("champion"), std::string("a-b_1"), std::string("version"), std::string("v"),
        std::string("v1a"), std::string("7"), Text(limits::kMaxAliasChars)}) {
    SCOPED_TRACE(alias);
    EXPECT_TRUE(CheckAlias(alias));
  }
  for (const std::string& alias :
       {std::string(), std::string("latest"), std::string("LaTeSt"), std::string("v3"),
        std::string("V12"), std::string("a b"), std::string("a@b"), std::string("é"),
        Text(limits::kMaxAliasChars + 1)}) {
    SCOPED_TRACE(alias);
    EXPECT_FALSE(CheckAlias(alias));
  }
  EXPECT_EQ(CheckAlias("v3").error().message, "Version alias name 'v3' is reserved.");
}

TEST(CheckTagKey, HasALimit) {
  EXPECT_TRUE(CheckTagKey(Text(limits::kMaxTagKeyChars, "é")));
  EXPECT_FALSE(CheckTagKey(Text(limits::kMaxTagKeyChars + 1)));
  EXPECT_FALSE(CheckTagKey(""));
  EXPECT_FALSE(CheckTagKey("a\tb"));
}

TEST(ParseVersionNumber, TakesWholeNumbers) {
  EXPECT_EQ(*ParseVersionNumber("1"), 1);
  EXPECT_EQ(*ParseVersionNumber("9223372036854775807"), 9223372036854775807);
  EXPECT_EQ(*ParseVersionNumber("0"), 0);
  EXPECT_EQ(*ParseVersionNumber("-1"), -1);
  for (const char* text :
       {"", "-", "--1", "+1", "1.0", "abc", " 1", "1 ", "0x1", "9223372036854775808"}) {
    SCOPED_TRACE(text);
    const auto number = ParseVersionNumber(text);
    ASSERT_FALSE(number);
    EXPECT_EQ(number.error().message,
              std::string("Parameter 'version' must be an integer, got '") + text + "'.");
  }
}

// A limit in bytes would refuse people who do not write English.
TEST(CheckModelText, CountsCharacters) {
  EXPECT_TRUE(CheckModelText("x", Text(10, "日"), 10));
  EXPECT_FALSE(CheckModelText("x", Text(11, "日"), 10));
  EXPECT_TRUE(CheckModelText("x", "two\nlines", 10));
  EXPECT_FALSE(CheckModelText("x", std::string("a\0b", 3), 10)) << "no database takes it as text";
}

TEST(CheckTagRoom, CountsTagsAndBytes) {
  TagMap tags;
  for (std::size_t i = 0; i < limits::kMaxModelTags; ++i) tags[std::to_string(i)] = "";
  EXPECT_TRUE(CheckTagRoom(tags));
  tags["one more"] = "";
  EXPECT_FALSE(CheckTagRoom(tags));
  EXPECT_TRUE(CheckTagRoom({{"k", Text(limits::kMaxModelTagsBytes - 1)}}));
  EXPECT_FALSE(CheckTagRoom({{"k", Text(limits::kMaxModelTagsBytes)}}));
}

}  // namespace
}  // namespace podium
