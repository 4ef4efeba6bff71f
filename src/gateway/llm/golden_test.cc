// Each pair of surface and provider, whole and streamed: the bytes that go to the provider and the
// bytes that go to the caller. testdata/README.md says how the files are read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "gateway/llm/golden_fixture.h"

namespace podium::gateway::llm {
namespace {

std::vector<std::filesystem::path> Files() {
  std::vector<std::filesystem::path> files;
  const std::filesystem::path folder =
      std::filesystem::path(PODIUM_SOURCE_DIR) / "src/gateway/llm/testdata";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".golden") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

std::string TextOfFile(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

TEST(Golden, EveryPairOfSurfaceAndProvider) {
  const auto files = Files();
  ASSERT_GE(files.size(), 16U);
  for (const auto& file : files) {
    SCOPED_TRACE(file.filename().string());
    const std::string text = TextOfFile(file);
    EXPECT_EQ(RunGolden(ReadGolden(text)), text);
  }
}

// Provider's side and caller's side of every pair are in the files, not only some of them.
TEST(Golden, NoPairIsMissing) {
  std::string names;
  for (const auto& file : Files()) names += file.filename().string() + "\n";
  for (const char* surface : {"chat", "messages", "responses"}) {
    for (const char* provider : {"openai", "anthropic"}) {
      for (const char* mode : {"", "_stream"}) {
        const std::string name = std::string(surface) + "_" + provider + mode + ".golden";
        EXPECT_THAT(names, ::testing::HasSubstr(name));
      }
    }
  }
}

}  // namespace
}  // namespace podium::gateway::llm
