#include "base/life_folder.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>

#include "testing/temp_dir.h"

namespace podium {
namespace {

// Two in one process stand for two processes: a lock is of the descriptor that took it.
TEST(LifeFolder, IsTakenOnceItsOwnerIsGone) {
  const testing::TempDir root;
  std::optional<LifeFolder> owned = *LifeFolder::Make(root.path(), "a");
  const std::string path = owned->path();
  std::ofstream(path + "/left") << "x";
  EXPECT_FALSE(*LifeFolder::Take(path)) << "its owner lives";
  owned.reset();
  const Result<std::optional<LifeFolder>> taken = LifeFolder::Take(path);
  ASSERT_TRUE(taken && *taken);
  EXPECT_FALSE(*LifeFolder::Take(path)) << "somebody has taken it";
  EXPECT_TRUE(std::filesystem::exists(path + "/left"));
  (*taken)->Remove();
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_FALSE(*LifeFolder::Take(path)) << "it is gone";
}

TEST(LifeFolder, SaysWhyItCannotBeMade) {
  const testing::TempDir root;
  const std::string file = root / "file";
  std::ofstream(file) << "no folder";
  EXPECT_EQ(LifeFolder::Make(file, "a").error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(LifeFolder::Take(file).error().code, ErrorCode::kUnavailable);
}

// A name is one life's: a second one is told so, and takes nothing over.
TEST(LifeFolder, ANameThatIsInUseIsNotMadeAgain) {
  const testing::TempDir root;
  const Result<LifeFolder> first = LifeFolder::Make(root.path(), "a");
  ASSERT_TRUE(first);
  std::ofstream(first->path() + "/left") << "x";
  EXPECT_FALSE(LifeFolder::Make(root.path(), "a"));
}

}  // namespace
}  // namespace podium
