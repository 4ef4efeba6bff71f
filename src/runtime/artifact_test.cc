// Artifacts come from where operators let others write: every way out of the roots must be closed,
// and what is served must be the bytes that were registered.
#include "runtime/artifact.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "base/digest.h"
#include "base/limits.h"

namespace podium::runtime {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

void Write(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}
std::string Read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class ArtifactTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "podium-artifact-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    dir_ = fs::canonical(name);
    root_ = dir_ / "artifacts";
    other_root_ = dir_ / "more";
    cache_ = dir_ / "cache";
    fs::create_directories(root_ / "sub");
    fs::create_directories(other_root_);
    fs::create_directories(dir_ / "artifacts-private");
    Write(root_ / "m.onnx", "model");
    Write(root_ / "sub" / "a b.onnx", "blank");
    Write(other_root_ / "n.onnx", "other");
    Write(dir_ / "secret", "secret");
    Write(dir_ / "artifacts-private" / "p.onnx", "private");
  }
  void TearDown() override { fs::remove_all(dir_); }
  Result<fs::path> Resolve(const std::string& uri) {
    return ResolveArtifact(uri, {root_, other_root_});
  }
  std::size_t FilesInCache() {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(cache_), fs::directory_iterator()));
  }

  fs::path dir_, root_, other_root_, cache_;
};

TEST_F(ArtifactTest, FindsFilesBelowTheRoots) {
  struct Case {
    std::string uri;
    fs::path want;
  };
  const Case cases[] = {
      {"file:" + (root_ / "m.onnx").string(), root_ / "m.onnx"},
      {"file://" + (root_ / "m.onnx").string(), root_ / "m.onnx"},
      {"file://localhost" + (root_ / "m.onnx").string(), root_ / "m.onnx"},
      {(other_root_ / "n.onnx").string(), other_root_ / "n.onnx"},
      {"m.onnx", root_ / "m.onnx"},
      {"file:m.onnx", root_ / "m.onnx"},
      {"file:sub/a%20b.onnx", root_ / "sub" / "a b.onnx"},
      {"sub/../m.onnx", root_ / "m.onnx"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.uri);
    const auto path = Resolve(c.uri);
    ASSERT_TRUE(path) << path.error().message;
    EXPECT_EQ(*path, c.want);
  }
}

TEST_F(ArtifactTest, RefusesWhatLiesElsewhere) {
  fs::create_symlink(dir_ / "secret", root_ / "link.onnx");
  fs::create_directory_symlink(dir_, root_ / "up");
  struct Case {
    std::string uri;
    ErrorCode want;
  };
  const Case cases[] = {
      {"", ErrorCode::kInvalidArgument},
      {"http://example.com/m.onnx", ErrorCode::kInvalidArgument},
      {"s3://bucket/m.onnx", ErrorCode::kInvalidArgument},
      {"file://elsewhere/m.onnx", ErrorCode::kInvalidArgument},
      {"file:", ErrorCode::kInvalidArgument},
      {"file:m%2", ErrorCode::kInvalidArgument},
      {"file:m%zz.onnx", ErrorCode::kInvalidArgument},
      {"file:m.onnx%00.txt", ErrorCode::kInvalidArgument},
      {std::string("m\0.onnx", 7), ErrorCode::kInvalidArgument},
      {"sub", ErrorCode::kInvalidArgument},
      {"../secret", ErrorCode::kPermissionDenied},
      {"file:../secret", ErrorCode::kPermissionDenied},
      {"file:%2e%2e/secret", ErrorCode::kPermissionDenied},
      {"sub/../../secret", ErrorCode::kPermissionDenied},
      {"/etc/passwd", ErrorCode::kPermissionDenied},
      {"file:///etc/passwd", ErrorCode::kPermissionDenied},
      {"file:///no/such/file", ErrorCode::kPermissionDenied},
      {"link.onnx", ErrorCode::kPermissionDenied},
      {"up/secret", ErrorCode::kPermissionDenied},
      // A root's name is a prefix of its neighbour's, which is no root.
      {(dir_ / "artifacts-private/p.onnx").string(), ErrorCode::kPermissionDenied},
      {"missing.onnx", ErrorCode::kNotFound},
      {std::string(limits::kMaxUriBytes, 'a'), ErrorCode::kPermissionDenied},
      {std::string(limits::kMaxUriBytes + 1, 'a'), ErrorCode::kInvalidArgument},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.uri);
    const auto path = Resolve(c.uri);
    ASSERT_FALSE(path) << *path;
    EXPECT_EQ(path.error().code, c.want) << path.error().message;
  }
}

TEST_F(ArtifactTest, WithoutRootsNothingIsRead) {
  EXPECT_EQ(ResolveArtifact((root_ / "m.onnx").string(), {}).error().code,
            ErrorCode::kPermissionDenied);
  EXPECT_EQ(ResolveArtifact("m.onnx", {dir_ / "no_such_root"}).error().code,
            ErrorCode::kPermissionDenied);
}

TEST_F(ArtifactTest, RefusesPipes) {
  ASSERT_EQ(::mkfifo((root_ / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(Resolve("pipe").error().code, ErrorCode::kInvalidArgument);
}

TEST_F(ArtifactTest, HashesAFile) {
  EXPECT_EQ(*HashFile(root_ / "m.onnx"), Sha256Hex("model"));
  EXPECT_EQ(HashFile(root_ / "missing").error().code, ErrorCode::kNotFound);
}

TEST_F(ArtifactTest, CopiesUnderTheNameOfItsChecksum) {
  const auto copy = FetchArtifact(root_ / "m.onnx", "", cache_);
  ASSERT_TRUE(copy) << copy.error().message;
  EXPECT_EQ(*copy, cache_ / Sha256Hex("model"));
  EXPECT_EQ(Read(*copy), "model");
  EXPECT_EQ(FilesInCache(), 1U);
}

TEST_F(ArtifactTest, RefusesOtherBytesThanRegistered) {
  const std::string expected = Sha256Hex("another model");
  const auto copy = FetchArtifact(root_ / "m.onnx", expected, cache_);
  ASSERT_FALSE(copy);
  EXPECT_EQ(copy.error().code, ErrorCode::kUnprocessable);
  EXPECT_THAT(copy.error().message, HasSubstr(expected));
  EXPECT_THAT(copy.error().message, HasSubstr(Sha256Hex("model")));
  EXPECT_EQ(FilesInCache(), 0U);  // Neither a copy nor an unfinished one.
}

// A checksum becomes a file name: nothing but a checksum may get that far.
TEST_F(ArtifactTest, RefusesWhatIsNotAChecksum) {
  for (const std::string& text :
       {std::string("../secret"), std::string("abc"), std::string(64, 'A'), std::string(65, 'a'),
        std::string(63, 'a'), "/" + std::string(63, 'a')}) {
    SCOPED_TRACE(text);
    EXPECT_EQ(FetchArtifact(root_ / "m.onnx", text, cache_).error().code,
              ErrorCode::kInvalidArgument);
    EXPECT_EQ(CachedArtifact(text, cache_).error().code, ErrorCode::kInvalidArgument);
  }
}

TEST_F(ArtifactTest, ReusesACopyWhenTheSourceIsGone) {
  const std::string sum = Sha256Hex("model");
  ASSERT_TRUE(FetchArtifact(root_ / "m.onnx", sum, cache_));
  fs::remove(root_ / "m.onnx");
  const auto copy = FetchArtifact(root_ / "m.onnx", sum, cache_);
  ASSERT_TRUE(copy) << copy.error().message;
  EXPECT_EQ(*copy, cache_ / sum);
}

// A crash or a full disk can leave a file whose name promises more than its bytes keep.
TEST_F(ArtifactTest, ReplacesAHalfWrittenCopy) {
  const std::string sum = Sha256Hex("model");
  fs::create_directories(cache_);
  Write(cache_ / sum, "mod");
  EXPECT_EQ(CachedArtifact(sum, cache_).error().code, ErrorCode::kUnprocessable);
  const auto copy = FetchArtifact(root_ / "m.onnx", sum, cache_);
  ASSERT_TRUE(copy) << copy.error().message;
  EXPECT_EQ(Read(*copy), "model");
}

TEST_F(ArtifactTest, SaysWhenThereIsNoCopy) {
  EXPECT_EQ(CachedArtifact(Sha256Hex("model"), cache_).error().code, ErrorCode::kNotFound);
}

TEST_F(ArtifactTest, LimitsTheSize) {
  EXPECT_TRUE(FetchArtifact(root_ / "m.onnx", "", cache_, /*most=*/5));
  const auto larger = FetchArtifact(root_ / "m.onnx", "", cache_, /*most=*/4);
  ASSERT_FALSE(larger);
  EXPECT_EQ(larger.error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(FilesInCache(), 1U);
}

TEST_F(ArtifactTest, SweepsOnlyUnfinishedCopies) {
  ASSERT_TRUE(FetchArtifact(root_ / "m.onnx", "", cache_));
  Write(cache_ / "incoming-abc123", "half of a mod");
  SweepCache(cache_);
  EXPECT_EQ(FilesInCache(), 1U);
  EXPECT_TRUE(CachedArtifact(Sha256Hex("model"), cache_));
  SweepCache(dir_ / "no_such_directory");  // A first start has none.
}

}  // namespace
}  // namespace podium::runtime
