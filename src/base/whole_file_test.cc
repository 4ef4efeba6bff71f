#include "base/whole_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "testing/temp_dir.h"

namespace podium {
namespace {

TEST(WholeFile, TellsNothingFromEmptyAndFromUnreadable) {
  const testing::TempDir folder;
  const std::string path = folder / "file";
  EXPECT_EQ(*ReadWholeFile(path, 10), std::nullopt);
  std::ofstream(path) << "";
  EXPECT_EQ(*ReadWholeFile(path, 10), "");
  std::ofstream(path) << "bytes";
  EXPECT_EQ(*ReadWholeFile(path, 10), "bytes");
  EXPECT_EQ(ReadWholeFile(folder.path(), 10).error().code, ErrorCode::kUnavailable);
}

TEST(WholeFile, AFileHasALimit) {
  const testing::TempDir folder;
  const std::string path = folder / "file";
  std::ofstream(path) << "";
  std::filesystem::resize_file(path, 100'000);
  EXPECT_TRUE(ReadWholeFile(path, 100'000));
  std::filesystem::resize_file(path, 100'001);
  EXPECT_EQ(ReadWholeFile(path, 100'000).error().code, ErrorCode::kUnprocessable);
}

}  // namespace
}  // namespace podium
