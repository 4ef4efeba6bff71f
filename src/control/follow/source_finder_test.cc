#include "control/follow/source_finder.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/digest.h"
#include "domain/model_limits.h"
#include "testing/temp_dir.h"

namespace podium::control {
namespace {

namespace fs = std::filesystem;

TEST(PathOfSource, IsOfThisStoreOrNone) {
  EXPECT_EQ(*PathOfSource("mlflow-artifacts:/a/b"), (runtime::ArtifactPath{"a", "b"}));
  EXPECT_EQ(*PathOfSource("mlflow-artifacts:///a/b"), (runtime::ArtifactPath{"a", "b"}));
  EXPECT_EQ(*PathOfSource("MLflow-Artifacts:/a/b/"), (runtime::ArtifactPath{"a", "b"}));
  EXPECT_EQ(*PathOfSource("mlflow-artifacts:a"), (runtime::ArtifactPath{"a"}));
  for (const char* source : {"",
                             "a/b",
                             "/etc/passwd",
                             "file:///etc/passwd",
                             "file:/etc/passwd",
                             "s3://b/c",
                             "models:/m-1234",
                             "models:/m/1",
                             "runs:/r/model",
                             "http://host/a",
                             "dbfs:/a",
                             "mlflow-artifacts",
                             "mlflow-artifacts:",
                             "mlflow-artifacts:/",
                             "mlflow-artifacts://host:5000/a",
                             "mlflow-artifacts:/../a",
                             "mlflow-artifacts:/a/../../b",
                             "mlflow-artifacts:/a/%2e%2e/b",
                             "mlflow-artifacts:/a//b",
                             "mlflow-artifacts:/a\\..\\b",
                             "mlflow-artifacts:////etc/passwd"}) {
    SCOPED_TRACE(source);
    const auto refused = PathOfSource(source);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kUnprocessable);
    EXPECT_NE(refused.error().message.find("is not in this server's artifact store"),
              std::string::npos)
        << refused.error().message;
  }
}

/// A store with what each test puts there, beside a folder for copies.
class Finder : public ::testing::Test {
 protected:
  void Put(const runtime::ArtifactPath& path, const std::string& bytes) {
    const auto upload = tree_.NewUpload("t" + std::to_string(++uploads_));
    if (!bytes.empty()) ASSERT_TRUE(upload->Append(bytes));
    ASSERT_TRUE(tree_.Publish(*upload, path));
  }
  void PutModel(const std::string& data) {
    Put({"m", "MLmodel"}, "flavors: {onnx: {data: '" + data + "'}}");
  }
  static RegisteredVersion From(std::string source) {
    RegisteredVersion version;
    version.source = std::move(source);
    return version;
  }
  Result<FoundSource> Find(std::string source) { return finder_.Find(From(std::move(source))); }
  std::string Why(std::string source) {
    const auto found = Find(std::move(source));
    if (found) return "found";
    EXPECT_EQ(found.error().code, ErrorCode::kUnprocessable);
    return found.error().message;
  }
  static bool Says(const std::string& text, const char* word) {
    return text.find(word) != std::string::npos;
  }

  podium::testing::TempDir folder_;
  runtime::ArtifactTree tree_{folder_ / "mlflow"};
  SourceFinder finder_{tree_, folder_ / "artifacts", 1000};
  int uploads_ = 0;
};

TEST_F(Finder, KeepsACopyOfALoggedModel) {
  PutModel("model.onnx");
  Put({"m", "model.onnx"}, "the bytes");
  Put({"m", "model.signature.json"}, R"({"columns": ["a"]})");
  const auto found = Find("mlflow-artifacts:/m");
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->file, (runtime::ArtifactPath{"m", "model.onnx"}));
  const auto kept = finder_.Keep(*found, "t");
  ASSERT_TRUE(kept) << kept.error().message;
  const std::string sha256 = Sha256Hex("the bytes");
  EXPECT_EQ(kept->sha256, sha256);
  EXPECT_EQ(kept->uri, "file:" + sha256 + ".onnx");
  EXPECT_EQ(kept->signature, R"({"columns": ["a"]})");
  // Whoever deletes it in MLflow has not taken it from who serves it.
  ASSERT_TRUE(tree_.Remove({"m"}));
  std::ifstream copy(folder_ / ("artifacts/" + sha256 + ".onnx"));
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(copy), {}), "the bytes");
  EXPECT_FALSE(finder_.Keep(*found, "t"));
  EXPECT_TRUE(Says(Why("mlflow-artifacts:/m"), "there is no MLmodel"));
}

TEST_F(Finder, TakesABareFileAndOneFurtherDown) {
  Put({"bare.onnx"}, "x");
  EXPECT_EQ(Find("mlflow-artifacts:/bare.onnx")->file, runtime::ArtifactPath{"bare.onnx"});
  PutModel("data/model.onnx");
  Put({"m", "data", "model.onnx"}, "x");
  EXPECT_EQ(Find("mlflow-artifacts:/m")->file, (runtime::ArtifactPath{"m", "data", "model.onnx"}));
}

TEST_F(Finder, GoesByWhereTheFilesAre) {
  Put({"bare.onnx"}, "x");
  RegisteredVersion copied = From("models:/other/3");
  copied.storage_location = "mlflow-artifacts:/bare.onnx";
  EXPECT_TRUE(finder_.Find(copied));
}

// A model's folder is somebody else's text: it must not lead to any file there is.
TEST_F(Finder, LeavesTheFolderForNobody) {
  Put({"secret.onnx"}, "secret");
  for (const char* data : {"../secret.onnx", "/secret.onnx", "a/../../secret.onnx",
                           "%2e%2e/secret.onnx", "..\\secret.onnx", "."}) {
    PutModel(data);
    EXPECT_TRUE(Says(Why("mlflow-artifacts:/m"), "no path within its folder")) << data;
  }
  fs::create_symlink(folder_ / "mlflow/tree/secret.onnx", folder_ / "mlflow/tree/m/link.onnx");
  PutModel("link.onnx");
  EXPECT_NE(Why("mlflow-artifacts:/m"), "found");
  fs::create_directory_symlink(folder_ / "mlflow/tree", folder_ / "mlflow/tree/m/up");
  PutModel("up/secret.onnx");
  EXPECT_NE(Why("mlflow-artifacts:/m"), "found");
}

TEST_F(Finder, SaysWhatIsWrong) {
  EXPECT_TRUE(Says(Why("mlflow-artifacts:/nothing"), "there is no MLmodel"));
  EXPECT_TRUE(Says(Why("mlflow-artifacts:/nothing.onnx"), "no .onnx file of that name"));
  PutModel("gone.onnx");
  EXPECT_TRUE(Says(Why("mlflow-artifacts:/m"), "m/gone.onnx: No such artifact"));
  PutModel("model.ubj");
  Put({"m", "model.ubj"}, "x");
  EXPECT_TRUE(Says(Why("mlflow-artifacts:/m"), "is no .onnx file"));
  Put({"m", "MLmodel"}, "flavors: {sklearn: {}}");
  EXPECT_TRUE(Says(Why("mlflow-artifacts:/m"), "has no flavor onnx"));
  Put({"m", "MLmodel"}, std::string(limits::kMaxMlmodelBytes + 1, ' '));
  EXPECT_TRUE(Says(Why("mlflow-artifacts:/m"), "more than"));
}

// Invariant 16.
TEST_F(Finder, KeepsNoFileAboveTheLimit) {
  Put({"a.onnx"}, std::string(1000, 'x'));
  Put({"b.onnx"}, std::string(1001, 'x'));
  EXPECT_TRUE(finder_.Keep(*Find("mlflow-artifacts:/a.onnx"), "t"));
  const auto refused = finder_.Keep(*Find("mlflow-artifacts:/b.onnx"), "t");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "artifacts"), {}), 1)
      << "of what was refused nothing stays";
}

}  // namespace
}  // namespace podium::control
