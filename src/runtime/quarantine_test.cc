// What is forgotten here crashes the server again; what is invented here takes a good model away.
#include "runtime/quarantine.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "runtime/harm_limits.h"
#include "runtime/scripted_loader.h"

namespace podium::runtime {
namespace {

namespace fs = std::filesystem;

std::string Key(std::size_t number) {
  std::string hex = fmt::format("{:x}", number);
  return std::string(64 - hex.size(), '0') + hex;
}

class QuarantineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(dir_);
    fs::remove(file_);
  }
  StillClock clock_;
  const fs::path dir_ = fs::path(::testing::TempDir()) / "quarantine";
  const fs::path file_ = dir_ / "quarantine.json";
};

TEST_F(QuarantineTest, SurvivesARestart) {
  {
    Quarantine first(file_, clock_);
    first.Add(Key(1), "crashed with SIGSEGV while loading");
    first.Add(Key(1), "a later reason");
    first.Add(Key(2), "took too long");
    first.SetStrikes({{Key(3), 2}});
    EXPECT_TRUE(first.Release(Key(2)));
    EXPECT_FALSE(first.Release(Key(2)));
    ASSERT_TRUE(first.Save());
  }
  Quarantine second(file_, clock_);
  EXPECT_EQ(second.Find(Key(1)), "crashed with SIGSEGV while loading");
  EXPECT_EQ(second.Find(Key(2)), std::nullopt);
  EXPECT_EQ(second.strikes(), (Strikes{{Key(3), 2}}));
  EXPECT_EQ(second.size(), 1U);
}

TEST_F(QuarantineTest, ARetryTakesTheStrikesAwayToo) {
  Quarantine quarantine(file_, clock_);
  quarantine.SetStrikes({{Key(1), 2}});
  EXPECT_FALSE(quarantine.Release(Key(1)));
  EXPECT_TRUE(quarantine.strikes().empty());
}

TEST_F(QuarantineTest, TellsItsListenerOnce) {
  Quarantine quarantine({}, clock_);
  std::vector<std::string> told;
  quarantine.Listen(
      [&](const std::string& sha256, const std::string& why) { told.push_back(sha256 + why); });
  quarantine.Add(Key(1), " crashed");
  quarantine.Add(Key(1), " crashed");
  EXPECT_EQ(told, std::vector<std::string>{Key(1) + " crashed"});
  EXPECT_TRUE(quarantine.Save()) << "without a file there is nothing to write";
}

TEST_F(QuarantineTest, ForgetsTheOldestBeyondItsLimit) {
  Quarantine quarantine({}, clock_);
  for (std::size_t i = 0; i < limits::kMaxQuarantined; ++i) {
    quarantine.Add(Key(i), "crashed");
    clock_.Move(std::chrono::seconds(1));
  }
  EXPECT_EQ(quarantine.size(), limits::kMaxQuarantined);
  EXPECT_TRUE(quarantine.Find(Key(0)));
  quarantine.Add(Key(limits::kMaxQuarantined), "crashed");
  EXPECT_EQ(quarantine.size(), limits::kMaxQuarantined);
  EXPECT_FALSE(quarantine.Find(Key(0)));
  EXPECT_TRUE(quarantine.Find(Key(limits::kMaxQuarantined)));
}

// It is a file of ours, but an editor or a bad disk may have been at it: the server must start.
TEST_F(QuarantineTest, AFileThatMakesNoSenseCountsAsEmpty) {
  const std::string one =
      R"({"artifacts": [{"sha256": ")" + Key(1) + R"(", "reason": "crashed", "at_us": 5}, )";
  const std::pair<std::string, std::size_t> cases[] = {
      {"", 0},
      {"not JSON", 0},
      {"[]", 0},
      {R"({"artifacts": 7, "strikes": {}})", 0},
      {one + R"({"sha256": "../../etc/passwd", "reason": "x"}, 5, null]})", 1},
      {one + R"({"sha256": 5}]} )" + std::string(limits::kMaxQuarantineBytes, ' '), 0},
  };
  for (const auto& [text, size] : cases) {
    SCOPED_TRACE(text.substr(0, 80));
    std::ofstream(file_, std::ios::trunc) << text;
    Quarantine quarantine(file_, clock_);
    EXPECT_EQ(quarantine.size(), size);
    quarantine.Add(Key(9), "crashed");
    EXPECT_TRUE(quarantine.Save());
  }
}

TEST_F(QuarantineTest, AFileThatCannotBeWrittenIsTriedAgain) {
  const fs::path missing = dir_ / "not" / "there.json";
  fs::remove_all(missing.parent_path());
  Quarantine quarantine(missing, clock_);
  quarantine.Add(Key(1), "crashed");
  EXPECT_FALSE(quarantine.Save());
  fs::create_directories(missing.parent_path());
  EXPECT_TRUE(quarantine.Save());
  EXPECT_EQ(Quarantine(missing, clock_).size(), 1U);
}

}  // namespace
}  // namespace podium::runtime
