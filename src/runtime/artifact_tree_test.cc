#include "runtime/artifact_tree.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "testing/temp_dir.h"

namespace podium::runtime {
namespace {

namespace fs = std::filesystem;

class Tree : public ::testing::Test {
 protected:
  Status Put(const ArtifactPath& path, std::string_view bytes) {
    const auto upload = tree_.NewUpload("t" + std::to_string(++uploads_));
    if (!bytes.empty()) EXPECT_TRUE(upload->Append(bytes));
    return tree_.Publish(*upload, path);
  }
  std::string Get(const ArtifactPath& path) {
    const auto file = tree_.Open(path);
    if (!file) return std::string(TraitsOf(file.error().code).slug);
    std::string all;
    while (true) {
      const Result<std::string> piece = (*file)->Read();
      EXPECT_TRUE(piece);
      if (!piece || piece->empty()) return all;
      all += *piece;
    }
  }
  std::string List(const ArtifactPath& path) {
    const auto entries = tree_.List(path);
    if (!entries) return std::string(TraitsOf(entries.error().code).slug);
    std::string text;
    for (const ArtifactEntry& entry : *entries) {
      text += entry.name + (entry.is_folder ? "/ " : " " + std::to_string(entry.size) + " ");
    }
    return text;
  }
  std::size_t Blobs() {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder_ / "m/blobs"), fs::directory_iterator()));
  }

  testing::TempDir folder_;
  ArtifactTree tree_{folder_ / "m"};
  int uploads_ = 0;
};

TEST_F(Tree, GivesBackWhatWasPut) {
  EXPECT_EQ(List({}), "") << "a tree that nobody has used has no folder";
  const std::string large(600'000, 'x');
  ASSERT_TRUE(Put({"a", "b"}, large));
  ASSERT_TRUE(Put({"a", "empty"}, ""));
  ASSERT_TRUE(Put({"a", "sub", "c"}, "c"));
  EXPECT_EQ(Get({"a", "b"}), large);
  EXPECT_EQ(Get({"a", "empty"}), "");
  EXPECT_EQ(List({}), "a/ ");
  EXPECT_EQ(List({"a"}), "b 600000 empty 0 sub/ ");
  EXPECT_EQ(List({"a", "b"}), "b 600000 ");
  EXPECT_EQ(List({"none"}), "");
  EXPECT_EQ(Get({"none"}), "not_found");
  EXPECT_EQ(Get({"a"}), "invalid_argument");
}

// The same bytes are kept once, and as long as one path has them.
TEST_F(Tree, KeepsEachContentOnce) {
  ASSERT_TRUE(Put({"a"}, "same"));
  ASSERT_TRUE(Put({"b"}, "same"));
  ASSERT_TRUE(Put({"b"}, "same"));
  EXPECT_EQ(Blobs(), 1U);
  ASSERT_TRUE(Put({"b"}, "other"));
  EXPECT_EQ(Blobs(), 2U);
  ASSERT_TRUE(tree_.Remove({"a"}));
  EXPECT_EQ(Blobs(), 1U) << "nobody has the first content any more";
  EXPECT_EQ(Get({"b"}), "other");
  ASSERT_TRUE(Put({"b"}, "third"));
  EXPECT_EQ(Blobs(), 1U) << "what was replaced goes";
  EXPECT_EQ(Get({"b"}), "third");
}

TEST_F(Tree, RemovesFoldersWithAllThatIsInThem) {
  ASSERT_TRUE(Put({"a", "x"}, "twice"));
  ASSERT_TRUE(Put({"a", "deep", "y"}, "twice"));
  ASSERT_TRUE(Put({"b"}, "stays"));
  ASSERT_TRUE(tree_.Remove({"a"}));
  ASSERT_TRUE(tree_.Remove({"a"})) << "what is not there is fine";
  EXPECT_EQ(List({}), "b 5 ");
  EXPECT_EQ(Blobs(), 1U);
  EXPECT_EQ(tree_.Remove({}).error().code, ErrorCode::kInvalidArgument);
}

// A reader has the content that it began with, whatever becomes of the path.
TEST_F(Tree, AnOpenFileStays) {
  ASSERT_TRUE(Put({"a"}, "first"));
  const auto file = tree_.Open({"a"});
  ASSERT_TRUE(file);
  ASSERT_TRUE(Put({"a"}, "second"));
  ASSERT_TRUE(tree_.Remove({"a"}));
  EXPECT_EQ(*(*file)->Read(), "first");
}

TEST_F(Tree, AFileAndAFolderCannotShareAName) {
  ASSERT_TRUE(Put({"a"}, "x"));
  ASSERT_TRUE(Put({"f", "x"}, "x"));
  EXPECT_EQ(Put({"a", "b"}, "y").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(Put({"f"}, "y").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(Blobs(), 1U) << "of what was refused nothing stays";
  EXPECT_EQ(Get({"a"}), "x");
}

TEST_F(Tree, SweepsWhatAKillLeft) {
  ASSERT_TRUE(Put({"a"}, "x"));
  std::ofstream(folder_ / "m/blobs/.upload-dead") << "half";
  fs::create_directories(folder_ / "m/doomed/removed/sub");
  tree_.Sweep();
  EXPECT_EQ(Blobs(), 1U);
  EXPECT_FALSE(fs::exists(folder_ / "m/doomed"));
  EXPECT_EQ(Get({"a"}), "x");
}

// A link in the tree, made by hand, leads nowhere.
TEST_F(Tree, FollowsNoLinks) {
  ASSERT_TRUE(Put({"a"}, "x"));
  std::ofstream(folder_ / "secret") << "secret";
  fs::create_symlink(folder_ / "secret", folder_ / "m/tree/link");
  EXPECT_NE(Get({"link"}), "secret");
  fs::create_directories(folder_ / "elsewhere");
  std::ofstream(folder_ / "elsewhere/secret") << "secret";
  fs::create_directory_symlink(folder_ / "elsewhere", folder_ / "m/tree/folder");
  EXPECT_NE(Get({"folder", "secret"}), "secret") << "nor does one on the way";
}

}  // namespace
}  // namespace podium::runtime
