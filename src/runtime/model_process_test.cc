#include "runtime/model_process.h"

#include <gtest/gtest.h>

#include <string>

#include "runtime/harm_limits.h"

namespace podium::runtime {
namespace {

std::string Times(std::size_t count, const std::string& text) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += text;
  return all;
}

// The text goes into the quarantine's file, audit entries, logs and terminals: a model must not
// write into those what it likes.
TEST(HarmText, IsShortTextWhateverWasSaid) {
  constexpr std::size_t kMost = limits::kMaxHarmTextBytes;
  static_assert(kMost == 500);
  struct Case {
    const char* name;
    std::string said;
    std::string want;
  };
  const Case cases[] = {
      {"nothing", "", ""},
      {"a sentence", "input \"x\" is wrong", "input \"x\" is wrong"},
      {"other scripts", "größer als 1 €, 😀", "größer als 1 €, 😀"},
      {"lines", "one\r\n\ttwo", "one   two"},
      {"NUL", std::string("a\0b", 3), "a b"},
      {"DEL", "a\x7F", "a "},
      {"what a terminal obeys", "\x1b[2J", " [2J"},
      {"the same in one character", "\u009B2J", " 2J"},
      {"the last control of Latin-1", "\u009F", " "},
      {"the first that is none", "\u00A0", "\u00A0"},
      {"not UTF-8", "a\xFFz", "a\uFFFDz"},
      {"a character cut off", "a\xE2\x82", "a\uFFFD\uFFFD"},
      {"an overlong line break", "\xC0\x8A", "\uFFFD\uFFFD"},
      {"at the limit", Times(kMost, "a"), Times(kMost, "a")},
      {"one above", Times(kMost + 1, "a"), Times(kMost - 3, "a") + "…"},
      {"whole characters", Times(kMost, "ö"), Times((kMost - 3) / 2, "ö") + "…"},
      {"made longer", Times(kMost, "\xFF"), Times((kMost - 3) / 3, "\uFFFD") + "…"},
      {"very long", std::string(10'000'000, 'a'), Times(kMost - 3, "a") + "…"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(HarmText(c.said), c.want);
    EXPECT_LE(HarmText(c.said).size(), kMost);
  }
}

}  // namespace
}  // namespace podium::runtime
