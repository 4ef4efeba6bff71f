// A server that is busy for a moment ends no import; one that is down is not asked for ever.
#include "app/import_retry.h"

#include <gtest/gtest.h>

#include <string>

namespace podium::app {
namespace {

TEST(ImportRetry, StatusesThatPass) {
  for (const int status : {408, 429, 500, 502, 503, 504}) EXPECT_TRUE(IsPassing(status)) << status;
  for (const int status : {200, 301, 400, 401, 403, 404, 405, 501, 505}) {
    EXPECT_FALSE(IsPassing(status)) << status;
  }
}

TEST(ImportRetry, PausesGrowAndEnd) {
  struct Case {
    int tries;
    const char* asked;
    int want;  ///< Milliseconds; -1: none.
  };
  const Case cases[] = {{1, "", 500},
                        {2, "", 1000},
                        {3, "", 2000},
                        {4, "", 4000},
                        {5, "", -1},
                        {1, "7", 7000},
                        {1, "0", 0},
                        {1, "60", 60'000},
                        {1, "61", -1},
                        {5, "1", -1},
                        {1, "-1", 500},
                        {1, "soon", 500},
                        {2, "1.5", 1000},
                        {1, "Sun, 06 Nov 1994 08:49:37 GMT", 500},
                        {1, "99999999999999999999", 500}};
  for (const Case& c : cases) {
    const auto pause = ImportPause(c.tries, c.asked);
    EXPECT_EQ(pause ? static_cast<int>(pause->count()) : -1, c.want) << c.tries << " " << c.asked;
  }
}

}  // namespace
}  // namespace podium::app
