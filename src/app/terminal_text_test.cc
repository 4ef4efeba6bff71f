#include "app/terminal_text.h"

#include <gtest/gtest.h>

namespace podium::app {
namespace {

// A model that can be talked into writing an escape sequence must not clear the screen, retitle the
// window or type into the shell.
TEST(TerminalText, NothingOfAStrangerSteersTheTerminal) {
  struct Case {
    const char* text;
    const char* want;
  };
  const Case cases[] = {
      {"plain, with\ttab\nand line", "plain, with\ttab\nand line"},
      {"Gr\xC3\xBC\xC3\x9F"
       "e \xE4\xB8\x96 \xF0\x9F\x91\x8B",
       "Gr\xC3\xBC\xC3\x9F"
       "e \xE4\xB8\x96 \xF0\x9F\x91\x8B"},
      {"\x1b[2J", "^[[2J"},
      {"a\rb\bc\x07", "a^Mb^Hc^G"},
      {"\x7f", "^?"},
      {"\xC2\x9B"
       "2J",
       "<U+009B>2J"},
      {"\xC2\xA0", "\xC2\xA0"},
      {"\xE2\x80\xAE"
       "txt",
       "<U+202E>txt"},
      {"\xE2\x81\xA6", "<U+2066>"},
      {"cut \xE4\xB8", "cut \xEF\xBF\xBD\xEF\xBF\xBD"},
      {"\x9B", "\xEF\xBF\xBD"},
      {"", ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.want);
    EXPECT_EQ(Harmless(c.text), c.want);
  }
  EXPECT_EQ(Harmless(std::string_view("\0", 1)), "^@");
}

}  // namespace
}  // namespace podium::app
