#include "journal/read_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "testing/temp_dir.h"

namespace podium::journal {
namespace {

TEST(ReadFile, TellsNothingFromEmptyAndFromUnreadable) {
  const testing::TempDir folder;
  const std::string path = folder / "file";
  EXPECT_EQ(*ReadFile(path), std::nullopt);
  std::ofstream(path) << "";
  EXPECT_EQ(*ReadFile(path), "");
  std::ofstream(path) << "bytes";
  EXPECT_EQ(*ReadFile(path), "bytes");
  EXPECT_EQ(ReadFile(folder.path()).error().code, ErrorCode::kUnavailable);
}

TEST(ReadFile, AFileHasALimit) {
  const testing::TempDir folder;
  const std::string path = folder / "file";
  std::ofstream(path) << "";
  std::filesystem::resize_file(path, limits::kMaxJournalFileBytes);
  EXPECT_TRUE(ReadFile(path));
  std::filesystem::resize_file(path, limits::kMaxJournalFileBytes + 1);
  EXPECT_EQ(ReadFile(path).error().code, ErrorCode::kUnprocessable);
}

}  // namespace
}  // namespace podium::journal
