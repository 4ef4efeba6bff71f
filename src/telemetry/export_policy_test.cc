// A collector that is busy is asked again, one that refuses is not, and none is waited for long.
#include "telemetry/export_policy.h"

#include <gtest/gtest.h>

namespace podium::telemetry {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

TEST(ExportPolicy, OnlyWhatTheProtocolSaysIsSentAgain) {
  for (const int status : {200, 202, 204}) EXPECT_EQ(VerdictOf(status), ExportVerdict::kTaken);
  for (const int status : {429, 502, 503, 504}) EXPECT_EQ(VerdictOf(status), ExportVerdict::kAgain);
  for (const int status : {301, 400, 401, 404, 408, 413, 500, 501}) {
    EXPECT_EQ(VerdictOf(status), ExportVerdict::kRefused) << status;
  }
}

TEST(ExportPolicy, PausesGrowAndEnd) {
  EXPECT_EQ(ExportPause(1, {}, 0), 500ms);
  EXPECT_EQ(ExportPause(1, {}, 500), 1000ms);
  EXPECT_EQ(ExportPause(4, {}, 0), 4000ms);
  EXPECT_TRUE(ExportPause(kMaxExportTries - 1, {}, 7));
  EXPECT_FALSE(ExportPause(kMaxExportTries, {}, 7));
}

TEST(ExportPolicy, TheCollectorsOwnPauseHolds) {
  EXPECT_EQ(ExportPause(1, "0", 9), 0ms);
  EXPECT_EQ(ExportPause(1, "30", 9), 30s);
  EXPECT_FALSE(ExportPause(1, "31", 9));
  EXPECT_EQ(ExportPause(1, "Wed, 21 Oct 2026 07:28:00 GMT", 0), 500ms);
  EXPECT_EQ(ExportPause(1, "", 0), 500ms);
  EXPECT_EQ(ExportPause(1, "-1", 0), 500ms);
  EXPECT_FALSE(ExportPause(kMaxExportTries, "1", 0));
}

}  // namespace
}  // namespace podium::telemetry
