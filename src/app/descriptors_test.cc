#include "app/descriptors.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace podium::app {
namespace {

// INV-16: the limit holds for the process, whatever the number of cores.
TEST(Descriptors, Inv16ConnectionsFitIntoWhatTheSystemGrants) {
  constexpr std::size_t kMost = limits::kMaxConnectionsPerCore;
  constexpr std::size_t kKept = limits::kReservedDescriptors;
  struct Case {
    const char* name;
    std::size_t descriptors, cores, want;
  };
  const Case cases[] = {
      {"plenty", 1'000'000, 2, kMost},
      {"exactly enough for one core", kMost + kKept, 1, kMost},
      {"one too few", kMost + kKept - 1, 1, kMost - 1},
      {"shared out", 20'000, 2, (20'000 - kKept) / 2},
      {"the default of many systems", 1024, 4, (1024 - kKept) / 4},
      {"nothing left", kKept, 8, 1},
      {"less than nothing", 10, 1, 1},
      {"no limit at all", static_cast<std::size_t>(-1), 64, kMost},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(ConnectionsPerCore(c.descriptors, c.cores), c.want);
  }
}

}  // namespace
}  // namespace podium::app
