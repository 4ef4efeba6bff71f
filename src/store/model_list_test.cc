#include "store/model_list.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "domain/model_limits.h"

namespace podium::store {
namespace {

WallTime AtSecond(int seconds) { return WallTime(std::chrono::seconds(seconds)); }

RegisteredVersion ListRow(const std::string& name, std::int64_t number, int created, int updated) {
  RegisteredVersion row;
  row.name = name;
  row.number = number;
  row.created_at = AtSecond(created);
  row.updated_at = AtSecond(updated);
  return row;
}

using Order = std::vector<std::string>;

// All pages of `limit`, as "a1 b2 | c3".
std::string Pages(const Order& terms, std::size_t limit,
                  const std::vector<RegisteredVersion>& rows) {
  std::string text;
  std::string token;
  do {
    auto page = PageCollector<RegisteredVersion>::Make(*ParseVersionOrder(terms), limit, token);
    EXPECT_TRUE(page);
    for (const RegisteredVersion& row : rows) page->Offer(row);
    Page<RegisteredVersion> done = std::move(*page).Finish();
    text += text.empty() ? "" : " |";
    for (const RegisteredVersion& row : done.items) {
      text += (text.empty() ? "" : " ") + row.name + std::to_string(row.number);
    }
    token = done.next_cursor;
  } while (!token.empty());
  return text;
}

TEST(PageCollector, WalksAllRowsInOrder) {
  const std::vector<RegisteredVersion> rows = {ListRow("b", 1, 1, 9), ListRow("a", 2, 4, 5),
                                               ListRow("a", 1, 2, 5), ListRow("c", 1, 3, 7)};
  EXPECT_EQ(Pages({}, 10, rows), "b1 c1 a2 a1");
  EXPECT_EQ(Pages({}, 1, rows), "b1 | c1 | a2 | a1");
  EXPECT_EQ(Pages({}, 2, rows), "b1 c1 | a2 a1");
  EXPECT_EQ(Pages({"name"}, 3, rows), "a2 a1 b1 | c1");
  EXPECT_EQ(Pages({"name DESC"}, 3, rows), "c1 b1 a2 | a1");
  EXPECT_EQ(Pages({"version_number ASC", "name"}, 2, rows), "a1 b1 | c1 a2");
  EXPECT_EQ(Pages({"creation_timestamp"}, 2, rows), "b1 a1 | c1 a2");
  EXPECT_EQ(Pages({"last_updated_timestamp asc", "version_number"}, 2, rows), "a1 a2 | c1 b1");
}

TEST(ListOrder, ReadsKeysAndRefusesOthers) {
  EXPECT_EQ(*ParseModelOrder({}), (ListOrder{{OrderField::kName, false}}));
  EXPECT_EQ(*ParseModelOrder({"timestamp DESC"}),
            (ListOrder{{OrderField::kUpdated, true}, {OrderField::kName, false}}));
  EXPECT_EQ(*ParseModelOrder({"attribute.last_updated_timestamp"}),
            (ListOrder{{OrderField::kUpdated, false}, {OrderField::kName, false}}));
  EXPECT_EQ(*ParseModelOrder({" `name`  desc "}), (ListOrder{{OrderField::kName, true}}));
  for (const Order& terms : {Order{"creation_timestamp"}, Order{"version_number"}, Order{""},
                             Order{"name UP"}, Order{"name ASC DESC"}, Order{"name", "name DESC"},
                             Order{"timestamp", "last_updated_timestamp"}, Order{"name, timestamp"},
                             Order{"name; DROP TABLE x"}}) {
    SCOPED_TRACE(terms.front());
    EXPECT_FALSE(ParseModelOrder(terms));
  }
  EXPECT_TRUE(ParseVersionOrder({"creation_timestamp"}));
  EXPECT_FALSE(ParseVersionOrder({"timestamp"}));
  EXPECT_FALSE(ParseVersionOrder(Order(limits::kMaxOrderKeys + 1, "name")));
}

// A token is outside text: only what we have written, for this very order, is taken.
TEST(PageToken, ComesBackOrIsRefused) {
  const ListOrder order = *ParseVersionOrder({});
  const ListKey key{"it's: a ü", 7, AtSecond(1), AtSecond(2)};
  const std::string token = EncodePageToken(order, key);
  EXPECT_EQ(*DecodePageToken(order, token), key);
  EXPECT_FALSE(DecodePageToken(*ParseVersionOrder({"name"}), token)) << "another order";
  for (const std::string& text : {std::string("x"), std::string("zz"), token + "0", token + "00zz",
                                  token.substr(2), std::string("7b7d"), "0" + token}) {
    SCOPED_TRACE(text);
    EXPECT_FALSE(DecodePageToken(order, text));
  }
  const std::string name((limits::kMaxPageTokenBytes - token.size()) / 2 + key.name.size(), 'x');
  const std::string most = EncodePageToken(order, {name, 7, AtSecond(1), AtSecond(2)});
  ASSERT_EQ(most.size(), limits::kMaxPageTokenBytes);
  EXPECT_TRUE(DecodePageToken(order, most));
  EXPECT_FALSE(
      DecodePageToken(order, EncodePageToken(order, {name + "x", 7, AtSecond(1), AtSecond(2)})));
}

// The longest name fits into a token with any order.
TEST(PageToken, HasRoomForTheLongestName) {
  std::string name;
  for (std::size_t i = 0; i < limits::kMaxModelNameChars; ++i) name += "\U0001F600";
  const ListOrder order = *ParseVersionOrder(
      {"name", "version_number", "creation_timestamp", "last_updated_timestamp"});
  EXPECT_LE(EncodePageToken(order, {name, INT64_MIN, WallTime::min(), WallTime::min()}).size(),
            limits::kMaxPageTokenBytes);
}

}  // namespace
}  // namespace podium::store
