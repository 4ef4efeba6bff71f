#include "runtime/artifact_upload.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "testing/temp_dir.h"

namespace podium::runtime {
namespace {

namespace fs = std::filesystem;

std::size_t FilesIn(const testing::TempDir& directory) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(directory.path()), fs::directory_iterator()));
}

TEST(ArtifactUpload, KeepsTheBytesUnderTheirChecksum) {
  const testing::TempDir directory;
  std::string name;
  {
    ArtifactUpload upload(directory.path(), "t");
    ASSERT_TRUE(upload.Append("hello "));
    ASSERT_TRUE(upload.Append("world"));
    const Result<std::string> sha256 = upload.Finish(Sha256Hex("hello world"));
    ASSERT_TRUE(sha256);
    EXPECT_EQ(*sha256, Sha256Hex("hello world"));
    name = *sha256 + ".onnx";
  }
  std::ifstream in(directory / name);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "hello world");
  EXPECT_EQ(FilesIn(directory), 1U);
}

// A half-sent model that kept a name could be registered by somebody.
TEST(ArtifactUpload, LeavesNothingBehindWhenItIsNotFinished) {
  const testing::TempDir directory;
  {
    ArtifactUpload upload(directory.path(), "t");
    ASSERT_TRUE(upload.Append("half"));
  }
  EXPECT_EQ(FilesIn(directory), 0U);
  {
    ArtifactUpload upload(directory.path(), "t");
    ASSERT_TRUE(upload.Append("other bytes"));
    EXPECT_EQ(upload.Finish(Sha256Hex("wanted")).error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_EQ(FilesIn(directory), 0U);
  ArtifactUpload nothing(directory.path(), "t");
  EXPECT_EQ(nothing.Finish("").error().code, ErrorCode::kInvalidArgument);
}

TEST(ArtifactUpload, MayBeCalledOtherwiseAndBeEmpty) {
  const testing::TempDir directory;
  ArtifactUpload upload(directory.path(), "t", {"", true});
  const Result<std::string> sha256 = upload.Finish("");
  ASSERT_TRUE(sha256);
  EXPECT_EQ(*sha256, Sha256Hex(""));
  EXPECT_TRUE(fs::exists(directory / *sha256));
  EXPECT_EQ(FilesIn(directory), 1U);
}

TEST(SweepUploads, RemovesWhatAKilledProcessLeftAndNothingElse) {
  const testing::TempDir directory;
  ArtifactUpload under_way(directory.path(), "mine");
  ASSERT_TRUE(under_way.Append("bytes"));
  std::ofstream(directory / ".upload-orphan") << "half";
  std::ofstream(directory / "model.onnx") << "whole";
  SweepUploads(directory.path());
  EXPECT_FALSE(fs::exists(directory / ".upload-orphan"));
  EXPECT_TRUE(fs::exists(directory / "model.onnx"));
  EXPECT_TRUE(under_way.Finish(""));
}

}  // namespace
}  // namespace podium::runtime
