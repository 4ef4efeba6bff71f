#include "app/replica_id.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <vector>

#include "base/limits.h"
#include "testing/temp_dir.h"

namespace podium::app {
namespace {

class ReplicaIds : public ::testing::Test {
 protected:
  ReplicaId Take(const std::string& chosen = "") {
    auto taken = ReplicaId::Take(chosen, folder_.path(), rng_);
    EXPECT_TRUE(taken) << Describe(taken.error());
    return std::move(*taken);
  }

  podium::testing::TempDir folder_;
  SeededRng rng_{1};
};

TEST_F(ReplicaIds, IsKeptByTheDirectory) {
  const std::string first = Take().get();
  EXPECT_EQ(Take().get(), first);
  podium::testing::TempDir other;
  EXPECT_NE(ReplicaId::Take("", other.path(), rng_)->get(), first);
}

TEST_F(ReplicaIds, AChosenOneCounts) { EXPECT_EQ(Take("eu-1").get(), "eu-1"); }

// Several servers on one file share its directory: each is somebody.
TEST_F(ReplicaIds, ASecondServerOfADirectoryIsAnother) {
  const ReplicaId first = Take();
  {
    const ReplicaId second = Take();
    EXPECT_EQ(second.get(), first.get() + "-2");
    EXPECT_EQ(Take().get(), first.get() + "-3");
  }
  EXPECT_EQ(Take().get(), first.get() + "-2") << "a place that was left is taken again";
}

TEST_F(ReplicaIds, ThereIsAnEndToServersInOneDirectory) {
  std::vector<ReplicaId> taken;
  for (std::size_t i = 0; i < limits::kReplicasPerDirectory; ++i) taken.push_back(Take());
  const auto refused = ReplicaId::Take("", folder_.path(), rng_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
}

TEST_F(ReplicaIds, WhatIsNoNameIsReplaced) {
  std::ofstream(folder_ / "replica-id") << "../../etc\n";
  const std::string made = Take().get();
  EXPECT_THAT(made, ::testing::Not(::testing::HasSubstr("/")));
  EXPECT_EQ(Take().get(), made);
}

}  // namespace
}  // namespace podium::app
