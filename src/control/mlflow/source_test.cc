#include "control/mlflow/source.h"

#include <gtest/gtest.h>

#include <string>

namespace podium::control {
namespace {

// A source that a server believes is a file that the next reader gets.
TEST(ReadSource, RefusesWhatLeadsElsewhere) {
  for (const std::string source : {"/etc/passwd",
                                   "etc/passwd",
                                   "./x",
                                   "file:///etc/passwd",
                                   "FILE:///etc/passwd",
                                   "file:/x",
                                   "C:\\models",
                                   "C:/models",
                                   "\\\\host\\share",
                                   "s3://b/../c",
                                   "s3://b/..",
                                   "s3://b/a\\..\\c",
                                   "s3://b/%2e%2e/c",
                                   "s3://b/%2E%2E%2Fc",
                                   "s3://b/%252e%252e/c",
                                   "s3://b/%25252e%25252e/c",
                                   "s3://b/%2e%2e/c/100%",
                                   "s3://b/..#f",
                                   "s3://b/..;x",
                                   "mlflow-artifacts:/a/%2e%2e%2f%2e%2e/x%",
                                   "mlflow-artifacts:/a/..?x=1",
                                   "s3://b/%00",
                                   "s3://b/%00%",
                                   "s3://b/a\nb",
                                   "mlflow-artifacts:/a/./b",
                                   "mlflow-artifacts:/a//b",
                                   "mlflow-artifacts://host/a//b",
                                   "https://h/api/2.0/mlflow-artifacts/artifacts/a//b",
                                   "models:/",
                                   "models:/m/",
                                   "models:/m/x",
                                   "models:/m/0",
                                   "models:/m/1/2",
                                   "models:/m@a",
                                   "models:/m-1",
                                   "runs:/r/x",
                                   "runs:/",
                                   "models://host/m/1",
                                   "models:///m/1",
                                   "models://m/1",
                                   "models://m",
                                   "models://",
                                   "models:/%6d/%31",
                                   "runs://host/r/x",
                                   "mlflow-artifacts:"}) {
    SCOPED_TRACE(source);
    const Result<Source> read = ReadSource(source, "", "");
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, ErrorCode::kInvalidArgument);
    EXPECT_TRUE(read.error().message.starts_with("Invalid model version source"));
  }
  EXPECT_FALSE(ReadSource(std::string("s3://b/a\0b", 10), "", ""));
  std::string deep = "..";
  for (int i = 0; i < 20; ++i) {
    std::string next;
    for (const char c : deep) next += c == '%' ? "%25" : c == '.' ? "%2e" : std::string(1, c);
    deep = next;
  }
  EXPECT_FALSE(ReadSource("s3://b/" + deep, "", "")) << "nobody decodes so often in good faith";
}

TEST(ReadSource, TakesArtifactStores) {
  for (const char* source :
       {"s3://bucket/a/b", "gs://b/c", "wasbs://c@h/x", "dbfs:/x", "hdfs://h/x", "s3://b/a%20b",
        "s3://b/100%", "s3://b/..a", "mlflow-artifacts:/1/models/m-1/artifacts",
        "mlflow-artifacts://host:5000/a/b", "https://h/api/2.0/mlflow-artifacts/artifacts/a/b",
        "https://h/x//y"}) {
    SCOPED_TRACE(source);
    const Result<Source> read = ReadSource(source, "", "");
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_TRUE(std::holds_alternative<PlainSource>(*read));
  }
}

TEST(ReadSource, FindsVersionsRunsAndLoggedModels) {
  const Result<Source> version = ReadSource("models:/a%20b 100%;?/12", "", "");
  ASSERT_TRUE(version);
  EXPECT_EQ(std::get<VersionSource>(*version).name, "a%20b 100%;?") << "names are not encoded";
  EXPECT_EQ(std::get<VersionSource>(*version).number, 12);
  const Result<Source> logged = ReadSource("models:/m-1", "", "m-1");
  ASSERT_TRUE(logged);
  EXPECT_EQ(std::get<LoggedModelSource>(*logged).model_id, "m-1");
  EXPECT_FALSE(ReadSource("models:/m-1", "", "m-2"));
  EXPECT_TRUE(ReadSource("runs:/r1/model", "r1", ""));
  EXPECT_FALSE(ReadSource("runs:/r1/model", "r2", ""));
  EXPECT_FALSE(ReadSource("runs:/r12/model", "r1", "")) << "the whole id counts";
  EXPECT_FALSE(ReadSource("runs://host/r1/model", "r1", ""));
  EXPECT_FALSE(ReadSource("models://m-1", "", "m-1"));
}

}  // namespace
}  // namespace podium::control
