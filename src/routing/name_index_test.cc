#include "routing/name_index.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace podium::routing {
namespace {

NameIndex IndexOf(const std::vector<std::string>& names) {
  const std::vector<std::string_view> views(names.begin(), names.end());
  return NameIndex(views);
}

TEST(NameIndex, AnEmptyListHasNothing) {
  EXPECT_EQ(NameIndex().Find(""), NameIndex::kNone);
  EXPECT_EQ(NameIndex().Find("tumour"), NameIndex::kNone);
}

TEST(NameIndex, FindsEachOfManyAndNothingElse) {
  for (const int count : {1, 2, 3, 4, 7, 8, 1000, 4096}) {
    std::vector<std::string> names;
    for (int i = 0; i < count; ++i) names.push_back(fmt::format("route-{}", i));
    const NameIndex index = IndexOf(names);
    for (std::size_t i = 0; i < names.size(); ++i) {
      ASSERT_EQ(index.Find(names[i]), i);
      ASSERT_EQ(index.Find(names[i] + "x"), NameIndex::kNone);
      ASSERT_EQ(index.Find("x" + names[i]), NameIndex::kNone);
    }
    EXPECT_EQ(index.Find(fmt::format("route-{}", count)), NameIndex::kNone);
  }
}

TEST(NameIndex, NamesAreBytes) {
  const NameIndex index = IndexOf({"", "a", std::string("a\0b", 3), "A", "\xc3\xa9"});
  EXPECT_EQ(index.Find(""), 0U);
  EXPECT_EQ(index.Find("a"), 1U);
  EXPECT_EQ(index.Find(std::string_view("a\0b", 3)), 2U);
  EXPECT_EQ(index.Find("A"), 3U);
  EXPECT_EQ(index.Find("\xc3\xa9"), 4U);
  EXPECT_EQ(index.Find(std::string_view("a\0c", 3)), NameIndex::kNone);
}

}  // namespace
}  // namespace podium::routing
