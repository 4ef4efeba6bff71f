// A bell that misses a write makes a replica late; one that rings for nothing keeps it awake.
#include "store/write_bell.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string_view>

#include "testing/temp_dir.h"

namespace podium::store {
namespace {

using namespace std::chrono_literals;
using Heard = WriteBell::Heard;

class WriteBellTest : public ::testing::Test {
 protected:
  WriteBellTest() { Write("before"); }

  void Write(std::string_view text) { std::ofstream(path_, std::ios::app) << text << std::flush; }

  testing::TempDir folder_;
  const std::string path_ = folder_ / "log";
  WriteBell bell_;
};

TEST_F(WriteBellTest, HearsEachWriteOnce) {
  EXPECT_FALSE(bell_.hears());
  bell_.ListenTo(path_);
  ASSERT_TRUE(bell_.hears());
  EXPECT_EQ(bell_.Wait(0ms), Heard::kNothing) << "what was before is known";
  Write("a");
  EXPECT_EQ(bell_.Wait(1h), Heard::kWrite);
  EXPECT_EQ(bell_.Wait(0ms), Heard::kNothing);
  Write("b");
  Write("c");
  EXPECT_TRUE(bell_.TakeWrites());
  EXPECT_FALSE(bell_.TakeWrites());
}

TEST_F(WriteBellTest, AReaderIsNotHeard) {
  bell_.ListenTo(path_);
  std::string text;
  std::ifstream(path_) >> text;
  EXPECT_EQ(text, "before");
  EXPECT_FALSE(bell_.TakeWrites());
}

TEST_F(WriteBellTest, KnowsThatItsFileIsGone) {
  bell_.ListenTo(path_);
  std::filesystem::remove(path_);
  EXPECT_FALSE(bell_.TakeWrites());
  EXPECT_FALSE(bell_.hears());
  Write("a new one");
  bell_.ListenTo(path_);
  EXPECT_TRUE(bell_.hears());
  Write("more");
  EXPECT_TRUE(bell_.TakeWrites());
}

TEST_F(WriteBellTest, WithoutAFileItHearsNothing) {
  bell_.ListenTo(folder_ / "none");
  EXPECT_FALSE(bell_.hears());
  EXPECT_EQ(bell_.Wait(0ms), Heard::kNothing);
  EXPECT_FALSE(bell_.TakeWrites());
}

TEST_F(WriteBellTest, StopEndsEveryWaitAndRest) {
  bell_.ListenTo(path_);
  EXPECT_TRUE(bell_.Rest(0ms));
  bell_.Stop();
  EXPECT_EQ(bell_.Wait(1h), Heard::kStop);
  EXPECT_FALSE(bell_.Rest(1h));
}

}  // namespace
}  // namespace podium::store
