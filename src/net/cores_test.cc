#include "net/cores.h"

#include <gtest/gtest.h>

namespace podium::net {
namespace {

TEST(ParseCpuMax, RoundsTheQuotaUp) {
  EXPECT_EQ(ParseCpuMax("200000 100000\n"), 2u);
  EXPECT_EQ(ParseCpuMax("150000 100000"), 2u);
  EXPECT_EQ(ParseCpuMax("50000 100000\n"), 1u);
  for (const char* none :
       {"max 100000\n", "", "max", "100000", "0 100000", "1 0", "1 2 3", "-1 2"}) {
    EXPECT_EQ(ParseCpuMax(none), std::nullopt) << none;
  }
}

TEST(CgroupV2Path, IsTheLineOfHierarchyZero) {
  EXPECT_EQ(CgroupV2Path("0::/a/b\n"), "/a/b");
  EXPECT_EQ(CgroupV2Path("12:cpu:/x\n0::/\n"), "/");
  EXPECT_EQ(CgroupV2Path("12:cpu:/x\n"), std::nullopt);
  EXPECT_EQ(CgroupV2Path(""), std::nullopt);
}

TEST(AvailableCores, IsAtLeastOne) { EXPECT_GE(AvailableCores(), 1u); }

}  // namespace
}  // namespace podium::net
