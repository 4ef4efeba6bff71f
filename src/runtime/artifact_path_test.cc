#include "runtime/artifact_path.h"

#include <gtest/gtest.h>

#include <string>

#include "domain/model_limits.h"

namespace podium::runtime {
namespace {

TEST(ParseArtifactPath, TakesNames) {
  EXPECT_EQ(*ParseArtifactPath(""), ArtifactPath());
  EXPECT_EQ(*ParseArtifactPath("a"), ArtifactPath{"a"});
  EXPECT_EQ(*ParseArtifactPath("a/b c/ü.bin"), (ArtifactPath{"a", "b c", "ü.bin"}));
  EXPECT_EQ(*ParseArtifactPath("a/"), ArtifactPath{"a"});
  EXPECT_EQ(*ParseArtifactPath("..a/b.."), (ArtifactPath{"..a", "b.."}));
  EXPECT_EQ(*ParseArtifactPath("100%"), ArtifactPath{"100%"});
  EXPECT_EQ(*ParseArtifactPath("a?b;c#d%41"), ArtifactPath{"a?b;c#d%41"});
}

TEST(ParseArtifactPath, RefusesWhatLeadsElsewhere) {
  for (const std::string& text : {std::string("/"),
                                  std::string("/a"),
                                  std::string("a//b"),
                                  std::string("."),
                                  std::string(".."),
                                  std::string("a/../b"),
                                  std::string("a/./b"),
                                  std::string("../a"),
                                  std::string("a\\b"),
                                  std::string("C:"),
                                  std::string("C:/x"),
                                  std::string("%2e%2e"),
                                  std::string("%252e%252e/a"),
                                  std::string("a%2fb"),
                                  std::string("a%5cb"),
                                  std::string("%252e%252e%252fb%25"),
                                  std::string("%2e%2e%2f%"),
                                  std::string("a%2fb%"),
                                  std::string("..?x=1"),
                                  std::string("..#f"),
                                  std::string("..;x"),
                                  std::string("a%00%"),
                                  std::string("a\nb"),
                                  std::string("a\0b", 3),
                                  std::string("\xff")}) {
    SCOPED_TRACE(text);
    const auto path = ParseArtifactPath(text);
    ASSERT_FALSE(path);
    EXPECT_EQ(path.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(ParseArtifactPath, HasLimits) {
  const std::string step(limits::kMaxArtifactStepBytes, 'x');
  EXPECT_TRUE(ParseArtifactPath(step));
  EXPECT_FALSE(ParseArtifactPath(step + "x"));
  std::string deep = "a";
  for (std::size_t i = 1; i < limits::kMaxArtifactSteps; ++i) deep += "/a";
  EXPECT_TRUE(ParseArtifactPath(deep));
  EXPECT_FALSE(ParseArtifactPath(deep + "/a"));
  std::string longest = step;
  while (longest.size() + step.size() + 1 <= limits::kMaxUriBytes) longest += "/" + step;
  longest += "/" + std::string(limits::kMaxUriBytes - longest.size() - 1, 'x');
  ASSERT_EQ(longest.size(), limits::kMaxUriBytes);
  EXPECT_TRUE(ParseArtifactPath(longest));
  EXPECT_FALSE(ParseArtifactPath(longest + "x"));
}

}  // namespace
}  // namespace podium::runtime
