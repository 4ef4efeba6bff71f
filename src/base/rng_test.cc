// A seed is written down to replay a failure years later: its sequence may never change.
#include "base/rng.h"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>

namespace podium {
namespace {

// SplitMix64's published sequence of seed 1234567.
TEST(SeededRng, PublishedVectors) {
  SeededRng rng(1234567);
  for (const std::uint64_t want : {6457827717110365317U, 3203168211198807973U, 9817491932198370423U,
                                   4593380528125082431U, 16408922859458223821U}) {
    EXPECT_EQ(rng.Next64(), want);
  }
}

TEST(SystemRng, DoesNotRepeatItself) {
  SystemRng rng;
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1'000; ++i) seen.insert(rng.Next64());
  EXPECT_EQ(seen.size(), 1'000U);
}

TEST(RandomToken, HasItsLengthAndAlphabet) {
  SeededRng rng(1);
  constexpr std::string_view kAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";
  for (const int length : {0, 1, 12, 13, 26, 64}) {
    const std::string token = RandomToken(rng, length);
    EXPECT_EQ(token.size(), static_cast<std::size_t>(length));
    EXPECT_EQ(token.find_first_not_of(kAlphabet), std::string::npos) << token;
  }
}

TEST(RandomToken, UsesEveryCharacterAboutEquallyAtEveryPlace) {
  SeededRng rng(2);
  constexpr int kTokens = 6'400;
  constexpr int kExpected = kTokens / 32;
  std::array<std::array<int, 256>, 26> counts{};
  for (int i = 0; i < kTokens; ++i) {
    const std::string token = RandomToken(rng, 26);
    for (std::size_t at = 0; at < token.size(); ++at) {
      ++counts[at][static_cast<unsigned char>(token[at])];
    }
  }
  for (const auto& place : counts) {
    for (const char c : std::string("0123456789abcdefghjkmnpqrstvwxyz")) {
      // Five standard errors.
      EXPECT_NEAR(place[static_cast<unsigned char>(c)], kExpected, 70);
    }
  }
}

}  // namespace
}  // namespace podium
