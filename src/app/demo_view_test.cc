#include "app/demo_view.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "app/demo_format.h"

namespace podium::app {
namespace {

DemoFigures Figures(std::uint64_t requests, std::uint64_t right, double share,
                    std::uint64_t errors = 0) {
  DemoFigures figures;
  figures.requests = requests;
  figures.errors = errors;
  figures.right = right;
  figures.share_seen = share;
  figures.p50 = std::chrono::microseconds(312);
  figures.p95 = std::chrono::microseconds(530);
  figures.p99 = std::chrono::microseconds(1'270);
  return figures;
}

DemoFrame Frame() {
  DemoFrame frame;
  frame.url = "http://localhost";
  frame.elapsed = std::chrono::seconds(83);
  frame.rate = 50;
  frame.requests = 4'150;
  frame.routes = {
      {"tumour",
       {{"v1", "primary", 95, Figures(1'970, 1'832, 0.9482)},
        {"v2", "canary", 5, Figures(105, 103, 0.0518)}}},
      {"digits",
       {{"v2", "primary", 100, Figures(1'500, 1'460, 1.0, 2)},
        {"v1", "shadow", 0, Figures(575, 479, 0.0)}}},
  };
  frame.changes = {"14:31:07  digits  v2 promoted over v1 by local (cli)",
                   "14:30:59  digits  canary v2 from 5% to 25% by local (cli)"};
  frame.errors = 2;
  return frame;
}

std::string OnScreen(const std::vector<std::string>& lines) {
  return fmt::format("\n{}\n", fmt::join(lines, "\n"));
}

TEST(DemoView, At80Columns) {
  EXPECT_EQ(OnScreen(ViewLines(Frame(), {80, 24, false})), R"(
00:01:23  http://localhost  50 requests/s  2 errors
route  version role     asked   seen requests accuracy   p50   p95   p99 errors
tumour v1      primary    95%  94.8%     1970   92.99%  0.31  0.53  1.27      0
       v2      canary      5%   5.2%      105   98.10%  0.31  0.53  1.27      0
digits v2      primary   100% 100.0%     1500   97.46%  0.31  0.53  1.27      2
       v1      shadow      0%   0.0%      575   83.30%  0.31  0.53  1.27      0
seen: since the route's last change, at most 60 s; all else: since start; ms
Changes (UTC), newest first:
  14:31:07  digits  v2 promoted over v1 by local (cli)
  14:30:59  digits  canary v2 from 5% to 25% by local (cli)
)");
}

TEST(DemoView, At120Columns) {
  EXPECT_EQ(OnScreen(ViewLines(Frame(), {120, 40, false})), R"(
00:01:23  http://localhost  50 requests/s  2 errors
route  version role     asked   seen                    requests accuracy   right/answers   p50   p95   p99 errors
tumour v1      primary    95%  94.8% #################.     1970   92.99%       1832/1970  0.31  0.53  1.27      0
       v2      canary      5%   5.2% #.................      105   98.10%         103/105  0.31  0.53  1.27      0
digits v2      primary   100% 100.0% ##################     1500   97.46%       1460/1498  0.31  0.53  1.27      2
       v1      shadow      0%   0.0% ..................      575   83.30%         479/575  0.31  0.53  1.27      0
seen: since the route's last change, at most 60 s; all else: since start; ms
Changes (UTC), newest first:
  14:31:07  digits  v2 promoted over v1 by local (cli)
  14:30:59  digits  canary v2 from 5% to 25% by local (cli)
)");
}

TEST(DemoView, NarrowOnesKeepWhoServesAndHowMuch) {
  DemoFrame frame = Frame();
  frame.changes.clear();
  EXPECT_EQ(OnScreen(ViewLines(frame, {40, 24, false})), R"(
00:01:23  http://localhost  50 requests/
route   version  role      asked    seen
tumour  v1       primary     95%   94.8%
        v2       canary       5%    5.2%
digits  v2       primary    100%  100.0%
        v1       shadow       0%    0.0%
seen: since the route's last change, at
No change yet by anybody.
)");
}

void AddChat(DemoFrame& frame) {
  frame.chat.rate = 2;
  frame.chat.figures.calls = 1'234;
  frame.chat.first_token = std::chrono::milliseconds(66);
  frame.chat.cost_usd = 0.123456;
  frame.chat.providers = {{"fake-moody", "moody", "primary", 100, {31, 9, 5, 4, "half open"}},
                          {"fake-steady", "steady", "standby", 0, {10, 0, 0, 0, "closed"}}};
}

TEST(DemoView, TheLanguageModelRouteShowsItsProviders) {
  DemoFrame frame;
  frame.url = "http://localhost";
  AddChat(frame);
  EXPECT_EQ(OnScreen(ViewLines(frame, {80, 24, false})), R"(
00:00:00  http://localhost  0 requests/s  0 errors
route  version role     asked   seen requests accuracy   p50   p95   p99 errors
assistant: 2.0 calls/s, 1234 calls, 0 errors, first token 66 ms, 0.123456 USD
provider    version role    answered failed retries fallbacks breaker
fake-moody  moody   primary       31      9       5         4 half open
fake-steady steady  standby       10      0       0         0 closed
seen: since the route's last change, at most 60 s; all else: since start; ms
No change yet by anybody.
)");
  const std::string coloured = OnScreen(ViewLines(frame, {80, 24, true}));
  EXPECT_NE(coloured.find("\x1b[31mhalf open\x1b[0m"), std::string::npos);
  EXPECT_NE(coloured.find("\x1b[33m4\x1b[0m"), std::string::npos);
}

// One line too long or too many and the terminal scrolls: nothing is redrawn in place any more.
TEST(DemoView, NeverWiderOrHigherThanTheTerminal) {
  DemoFrame frame = Frame();
  frame.routes[0].versions[0].version = "a-version-with-a-very-long-name-indeed";
  frame.routes[0].route = "gr\xc3\xbc\xc3\x9f-route-with-a-long-name";
  frame.troubles = {std::string(300, 'x'), "two", "three", "four"};
  frame.skipped = 12;
  AddChat(frame);
  frame.chat.providers[0].provider = "a-provider-with-a-very-long-name";
  for (std::size_t width = 1; width <= 200; ++width) {
    for (const std::size_t height : {1U, 2U, 5U, 11U, 24U, 60U}) {
      const std::vector<std::string> lines = ViewLines(frame, {width, height, false});
      EXPECT_LE(lines.size(), std::max<std::size_t>(height, 2) - 1);
      for (const std::string& line : lines) {
        ASSERT_LE(CharactersOf(line), width) << line << " at height " << height;
      }
    }
  }
}

TEST(DemoView, ColoursAreLeftOutWhenNotWanted) {
  const std::string plain = OnScreen(ViewLines(Frame(), {120, 40, false}));
  EXPECT_EQ(plain.find('\x1b'), std::string::npos);
  std::string coloured = OnScreen(ViewLines(Frame(), {120, 40, true}));
  EXPECT_NE(coloured.find("\x1b[32mprimary\x1b[0m"), std::string::npos);
  EXPECT_NE(coloured.find("\x1b[33mcanary\x1b[0m"), std::string::npos);
  EXPECT_NE(coloured.find("\x1b[31m2\x1b[0m"), std::string::npos);
  // Colours change nothing but the colour.
  for (std::size_t at = coloured.find('\x1b'); at != std::string::npos;
       at = coloured.find('\x1b')) {
    coloured.erase(at, coloured.find('m', at) - at + 1);
  }
  EXPECT_EQ(coloured, plain);
}

TEST(DemoView, ARouteThatNobodyServesSaysSo) {
  DemoFrame frame;
  frame.routes = {{"digits", {}}};
  EXPECT_NE(OnScreen(ViewLines(frame, {80, 24, false})).find("digits  no version takes traffic"),
            std::string::npos);
}

TEST(DemoView, ManyVersionsAreCutWithTheirNumber) {
  DemoFrame frame;
  frame.routes = {{"digits", {}}};
  for (int i = 0; i < 9; ++i) {
    frame.routes[0].versions.push_back({fmt::format("v{}", i), "shadow", 0, Figures(1, 1, 0.1)});
  }
  const std::string view = OnScreen(ViewLines(frame, {80, 24, false}));
  EXPECT_NE(view.find("v4"), std::string::npos);
  EXPECT_EQ(view.find("v5"), std::string::npos);
  EXPECT_NE(view.find("and 4 more"), std::string::npos);
}

TEST(DemoView, RepaintReplacesTheLastPicture) {
  EXPECT_EQ(Repaint({"one", "two"}, 0), "\r\x1b[2Kone\r\n\x1b[2Ktwo\r\n\x1b[J");
  EXPECT_EQ(Repaint({"one"}, 3), "\r\x1b[3A\x1b[2Kone\r\n\x1b[J");
}

}  // namespace
}  // namespace podium::app
