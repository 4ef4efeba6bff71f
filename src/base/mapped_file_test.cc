#include "base/mapped_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/whole_file.h"
#include "testing/temp_dir.h"

namespace podium {
namespace {

std::string BytesOf(const std::string& path) { return **ReadWholeFile(path, 1 << 20); }

// What is stored is in the file at once, without a system call: that is why a crash leaves it.
TEST(MappedFile, WhatIsStoredIsInTheFile) {
  const testing::TempDir folder;
  const std::string path = folder / "file";
  const Result<Mapping> first = MapNewFile(path, "head", kMappingPage, Outlives::kPowerCut);
  ASSERT_TRUE(first);
  first->bytes()[100] = 'a';
  const Result<Mapping> more = MapMoreOf(path, kMappingPage, kMappingPage);
  ASSERT_TRUE(more);
  more->bytes()[7] = 'b';
  const std::string bytes = BytesOf(path);
  ASSERT_EQ(bytes.size(), 2 * kMappingPage);
  EXPECT_EQ(bytes.substr(0, 5), std::string("head\0", 5));
  EXPECT_EQ(bytes[100], 'a');
  EXPECT_EQ(bytes[kMappingPage + 7], 'b');
  EXPECT_TRUE(first->Sync(90, 110));
}

TEST(MappedFile, MovesWithItsBytes) {
  Mapping memory = MapMemory(kMappingPage);
  memory.bytes()[1] = 'x';
  Mapping moved = std::move(memory);
  EXPECT_EQ(moved.bytes()[1], 'x');
  memory = MapMemory(kMappingPage);
  moved = std::move(memory);
  EXPECT_EQ(moved.bytes()[1], '\0');
}

TEST(MappedFile, LeavesNothingWhereItCannotBeMade) {
  const testing::TempDir folder;
  const std::string path = folder / "none/file";
  EXPECT_EQ(MapNewFile(path, "", kMappingPage, Outlives::kProcess).error().code,
            ErrorCode::kUnavailable);
  EXPECT_EQ(MapMoreOf(path, 0, kMappingPage).error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(std::filesystem::exists(path));
  // Longer than any disk: the room is asked for before the file has its name.
  EXPECT_FALSE(MapNewFile(folder / "big", "", std::size_t{1} << 60U, Outlives::kPowerCut));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(MappedFile, TheReserveOfADiskStays) {
  const testing::TempDir folder;
  EXPECT_TRUE(CheckDiskRoom(folder.path(), 1, 0));
  EXPECT_EQ(CheckDiskRoom(folder.path(), 1, UINT64_MAX).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(CheckDiskRoom(folder.path(), UINT64_MAX, 0).error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace podium
