#include "base/suggest.h"

#include <gtest/gtest.h>

namespace podium {
namespace {

TEST(Suggest, NamesOnlyWhatIsNear) {
  const std::vector<std::string_view> names = {"mean radius", "area", "perimeter"};
  EXPECT_EQ(DidYouMean("Mean_Radius", names), " (did you mean \"mean radius\"?)");
  EXPECT_EQ(DidYouMean("perimter", names), " (did you mean \"perimeter\"?)");
  EXPECT_EQ(DidYouMean("aera", names), " (did you mean \"area\"?)");  // A swap is one slip.
  EXPECT_EQ(DidYouMean("colour", names), "");
  EXPECT_EQ(DidYouMean("", names), "");
  EXPECT_EQ(DidYouMean(std::string(10'000, 'a'), names), "");
  EXPECT_EQ(DidYouMean("area", {}), "");
}

TEST(Suggest, FewestSlipsWinWhateverTheLengths) {
  EXPECT_EQ(Nearest("promot", {"promoted", "promote", "prompt"}), "promote");
  EXPECT_EQ(Nearest("abcdef", {"abcdefghi", "abcdxx"}), "abcdxx");
  // Two slips of six letters are near, three are not; where the text stops, one name may go on.
  EXPECT_EQ(Nearest("abcdef", {"xxcdef"}), "xxcdef");
  EXPECT_EQ(Nearest("abcdef", {"xxxdef"}), "");
  EXPECT_EQ(Nearest("per", {"perimeter", "area"}), "perimeter");
  EXPECT_EQ(Nearest("per", {"perimeter", "person count"}), "");
}

TEST(Suggest, ComparesNamesUpToItsLimit) {
  const std::string at(64, 'a');
  const std::string past(65, 'a');
  const std::string other = std::string(63, 'a') + 'b';
  EXPECT_EQ(Nearest(at, {other}), other);
  EXPECT_EQ(Nearest(past, {at}), "");
}

}  // namespace
}  // namespace podium
