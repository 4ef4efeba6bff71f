#include "control/mlflow/search_page.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace podium::control {
namespace {

store::Page<RegisteredVersion> Rows(int count) {
  store::Page<RegisteredVersion> page;
  for (int i = 1; i <= count; ++i) {
    RegisteredVersion version;
    version.name = "m";
    version.number = i;
    page.items.push_back(std::move(version));
  }
  return page;
}

const store::ListOrder kOrder = *store::ParseVersionOrder({"name", "version_number"});

Json Shown(const store::Page<RegisteredVersion>& page, std::size_t most) {
  return *ParseJson(SearchPageText("model_versions", page, kOrder, most));
}

TEST(SearchPageText, HoldsRowsAndToken) {
  EXPECT_EQ(SearchPageText("model_versions", Rows(0), kOrder), "{}");
  store::Page<RegisteredVersion> page = Rows(2);
  EXPECT_EQ(Shown(page, 100'000)["model_versions"],
            Json::array({MlflowJson(page.items[0]), MlflowJson(page.items[1])}));
  EXPECT_FALSE(Shown(page, 100'000).contains("next_page_token"));
  page.next_cursor = "ab";
  EXPECT_EQ(Shown(page, 100'000)["next_page_token"], "ab");
}

// A page too large to hold would end the process, not the search.
TEST(SearchPageText, EndsEarlyAndGoesOnFromThere) {
  store::Page<RegisteredVersion> page = Rows(3);
  page.next_cursor = "of the row behind the third";
  const std::size_t row = DumpJson(MlflowJson(page.items[0])).size();
  const Json one = Shown(page, row - 1);
  EXPECT_EQ(one["model_versions"].size(), 1U);
  EXPECT_EQ(one["next_page_token"], EncodePageToken(kOrder, store::KeyOf(page.items[0])));
  const Json two = Shown(page, row);
  EXPECT_EQ(two["model_versions"].size(), 2U);
  EXPECT_EQ(two["next_page_token"], EncodePageToken(kOrder, store::KeyOf(page.items[1])));
  page.next_cursor.clear();
  page.items.resize(1);
  EXPECT_FALSE(Shown(page, row - 1).contains("next_page_token")) << "nothing is behind it";
}

}  // namespace
}  // namespace podium::control
