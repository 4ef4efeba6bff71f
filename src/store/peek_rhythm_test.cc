// A commit that nobody peeks for is seen half a second late; peeks without end keep a thread awake.
#include "store/peek_rhythm.h"

#include <gtest/gtest.h>

#include <vector>

namespace podium::store {
namespace {

using Pauses = std::vector<std::chrono::milliseconds::rep>;

/// Until it listens again, while nothing more is written.
Pauses Rest(PeekRhythm rhythm) {
  Pauses pauses;
  while (rhythm.pause().count() != 0) {
    pauses.push_back(rhythm.pause().count());
    rhythm.Rested(false);
  }
  return pauses;
}

TEST(PeekRhythm, GrowsAndEnds) {
  PeekRhythm rhythm;
  EXPECT_EQ(Rest(rhythm), Pauses{}) << "it listens";
  rhythm.Heard();
  EXPECT_EQ(Rest(rhythm), (Pauses{2, 4, 8, 16, 32, 64, 128, 256}));
  rhythm.Expect();
  EXPECT_EQ(Rest(rhythm), (Pauses{20, 40, 80, 160, 320}));
}

TEST(PeekRhythm, WritesWithoutEndArePeekedForAtOnePace) {
  PeekRhythm rhythm;
  rhythm.Heard();
  for (int i = 0; i < 5; ++i) {
    rhythm.Rested(true);
    EXPECT_EQ(rhythm.pause(), limits::kChangePoll);
  }
  EXPECT_EQ(Rest(rhythm), (Pauses{20, 40, 80, 160, 320}));
}

}  // namespace
}  // namespace podium::store
