#include "net/sse_parser.h"

#include <gmock/gmock.h>

#include <memory>
#include <type_traits>
#include <vector>

namespace podium::net {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

// It keeps views of its own text: a moved one would look into the old one's memory.
static_assert(!std::is_copy_constructible_v<SseParser> && !std::is_move_constructible_v<SseParser>);
static_assert(!std::is_copy_assignable_v<SseParser> && !std::is_move_assignable_v<SseParser>);

/// Feeds `text` in pieces of at most `part` bytes, each in memory that ends where it ends and is
/// gone before the next one. Events as "name|data|id"; an error is the last entry.
std::vector<std::string> EventsOf(SseParser& parser, std::string_view text, std::size_t part) {
  std::vector<std::string> events;
  while (!text.empty()) {
    const std::string_view input = text.substr(0, part);
    const auto copy = std::make_unique<char[]>(input.size());
    input.copy(copy.get(), input.size());
    parser.Feed({copy.get(), input.size()});
    for (;;) {
      const auto event = parser.Next();
      if (!event) {
        events.push_back(event.error().message);
        return events;
      }
      if (!*event) break;
      events.push_back(fmt::format("{}|{}|{}", (*event)->name, (*event)->data, (*event)->id));
    }
    text.remove_prefix(input.size());
  }
  return events;
}

std::vector<std::string> EventsOf(std::string_view text, std::size_t part) {
  SseParser parser;
  return EventsOf(parser, text, part);
}

struct Case {
  const char* name;
  std::string_view text;
  std::vector<std::string> events;
  bool mid_event = false;
};

const std::vector<Case>& Cases() {
  using namespace std::string_view_literals;
  static const std::vector<Case> cases = {
      {"nothing", "", {}},
      {"one", "data: a\n\n", {"|a|"}},
      {"two", "data: a\n\ndata: b\n\n", {"|a|", "|b|"}},
      {"plain ones among others",
       "data: a\n\n: hi\ndata: b\n\nevent: e\ndata: c\n\ndata: d\ndata: e\n\ndata: f\r\n\ndata: "
       "g\n\n",
       {"|a|", "|b|", "e|c|", "|d\ne|", "|f|", "|g|"}},
      {"CR inside of a plain one", "data: a\rdata: b\n\ndata: c\r\r\n\n", {"|a\nb|", "|c|"}},
      {"name and id", "event: delta\nid: 7\ndata: x\n\n", {"delta|x|7"}},
      {"name after data", "data: x\nevent: delta\n\n", {"delta|x|"}},
      {"last name wins", "event: a\nevent: b\ndata: x\n\n", {"b|x|"}},
      {"name is forgotten, id is kept",
       "id: 7\nevent: a\ndata: x\n\ndata: y\n\n",
       {"a|x|7", "|y|7"}},
      {"id is emptied", "id: 7\ndata: x\n\nid\ndata: y\n\n", {"|x|7", "|y|"}},
      {"id with NUL is ignored", "id: 7\nid: a\0b\ndata: x\n\n"sv, {"|x|7"}},
      {"lines of data", "data: a\ndata: b\ndata:\ndata: c\n\n", {"|a\nb\n\nc|"}},
      {"empty data", "data:\n\ndata\n\ndata: \n\n", {"||", "||", "||"}},
      {"two empty lines of data", "data\ndata\n\n", {"|\n|"}},
      {"one space is taken off", "data:  a \n\ndata:b\n\ndata:\tc\n\n", {"| a |", "|b|", "|\tc|"}},
      {"colons in the value", "data: {\"a\": 1}\n\n", {"|{\"a\": 1}|"}},
      {"CRLF", "event: e\r\ndata: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n", {"e|a\nb|", "|c|"}},
      {"CR", "event: e\rdata: a\rdata: b\r\rdata: c\r\r", {"e|a\nb|", "|c|"}},
      {"mixed line ends", "data: a\r\ndata: b\rdata: c\n\r\ndata: d\r\n\n", {"|a\nb\nc|", "|d|"}},
      {"many blank lines", "\n\n\r\n\r\rdata: a\n\n\n\n\n", {"|a|"}},
      {"comments", ": hi\n\n:\ndata: a\n:b\ndata: c\n: d\n\n: e\n", {"|a\nc|"}},
      {"byte order mark",
       "\xEF\xBB\xBF"
       "data: a\n\n",
       {"|a|"}},
      {"mark and blank line", "\xEF\xBB\xBF\n\ndata: a\n\n", {"|a|"}},
      {"only the first mark",
       "\xEF\xBB\xBF\xEF\xBB\xBF"
       "data: a\n\ndata: b\n\n",
       {"|b|"}},
      {"mark later on",
       "data: a\n\n\xEF\xBB\xBF"
       "data: b\n\n",
       {"|a|"}},
      {"unknown fields", "retry: 10\nfoo: bar\nData: x\n data: y\ndata : z\ndata: a\n\n", {"|a|"}},
      {"no data, no event", "event: ping\n\ndata: a\n\n", {"|a|"}},
      {"UTF-8",
       "data: \xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\n\n",
       {"|\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80|"}},
      {"not UTF-8 either", "data: \xFF\x80\n\n", {"|\xFF\x80|"}},
      {"cut in a line", "data: a\n\ndata: b", {"|a|"}, true},
      {"cut before the blank line", "data: a\n\ndata: b\n", {"|a|"}, true},
      {"cut in CRLF", "data: a\r\n\r\ndata: b\r", {"|a|"}, true},
      {"cut after a name", "event: a\n", {}, true},
      {"cut in a comment", "data: a\n\n: b", {"|a|"}, true},
      {"no cut after the CR of a blank line", "data: a\r\n\r", {"|a|"}},
  };
  return cases;
}

// The network may split anywhere: in a line end, in a character, in the byte order mark.
TEST(SseParser, SameEventsHoweverSplit) {
  for (const Case& c : Cases()) {
    SCOPED_TRACE(c.name);
    for (std::size_t part = 1; part <= c.text.size() + 1; ++part) {
      SCOPED_TRACE(part);
      SseParser parser;
      EXPECT_THAT(EventsOf(parser, c.text, part), ElementsAreArray(c.events));
      EXPECT_EQ(parser.mid_event(), c.mid_event);
    }
  }
}

TEST(SseParser, ChunkOfAProviderIsNotCopied) {
  for (const std::string_view text : {"event: e\ndata: {\"x\":1}\n\n", "data: {\"x\":1}\n\n"}) {
    SseParser parser;
    parser.Feed(text);
    const auto event = parser.Next();
    ASSERT_TRUE(event && *event);
    EXPECT_EQ((*event)->data.data(), text.data() + text.find('{'));
  }
}

// INV-16: an event at the limit and one byte above it, in one line and in several, at once and in
// pieces. Lines before it still come out.
TEST(SseParser, Inv16EventsHaveALimit) {
  constexpr std::size_t kLimit = 100;
  const std::string full = "data: " + std::string(kLimit - 6, 'x');
  const std::string head = "data: " + std::string(43, 'a') + "\n";        // 43 bytes of data.
  const std::string rest = "data: " + std::string(kLimit - 43 - 6, 'b');  // And a line of 57.
  for (std::size_t part : {1u, 7u, 1000u}) {
    SCOPED_TRACE(part);
    for (const std::string& event : {full, head + rest}) {
      SseParser at(kLimit);
      EXPECT_EQ(EventsOf(at, event + "\n\n", part).size(), 1u);
      EXPECT_FALSE(at.mid_event());
      SseParser past(kLimit);
      const auto events = EventsOf(past, "data: ok\n\n" + event + "x\n\ndata: no\n\n", part);
      EXPECT_THAT(events, ElementsAre("|ok|", HasSubstr("limit of 100 bytes")));
      past.Feed("data: a\n\n");
      EXPECT_FALSE(past.Next()) << "nobody knows where the next event begins";
    }
    // It counts before the line has ended, and a comment counts too.
    for (const char* begin : {"data:", ":", ""}) {
      SseParser unended(kLimit);
      const auto events = EventsOf(unended, begin + std::string(kLimit + 1, 'x'), part);
      EXPECT_THAT(events, ElementsAre(HasSubstr("limit of 100 bytes")));
    }
  }
  SseParser many(kLimit);
  std::string text;
  for (int i = 0; i < 100; ++i) text += ": kept alive\n";
  EXPECT_THAT(EventsOf(many, text + "data: a\n\n", 9), ElementsAre("|a|"))
      << "comments are not held";
}

// Linear in its input: a stream of line ends of one kind must not be searched for the other kind
// once per line.
TEST(SseParser, ManyLineEnds) {
  EXPECT_THAT(EventsOf(std::string(2'000'000, '\r') + "data: a\r\r", 4'000'000),
              ElementsAre("|a|"));
  EXPECT_THAT(EventsOf(std::string(2'000'000, '\n') + "data: a\n\n", 4'000'000),
              ElementsAre("|a|"));
}

TEST(AppendSseEvent, IsReadBackAsItWas) {
  struct Written {
    const char* name;
    const char* data;
    const char* text;
    const char* back;
  };
  const Written cases[] = {
      {"", "{}", "data: {}\n\n", "|{}|"},
      {"error", "{}", "event: error\ndata: {}\n\n", "error|{}|"},
      {"", "", "data: \n\n", "||"},
      {"", "a\nb", "data: a\ndata: b\n\n", "|a\nb|"},
      {"", "a\r\nb\rc\n", "data: a\ndata: b\ndata: c\ndata: \n\n", "|a\nb\nc\n|"},
      {"", " a", "data:  a\n\n", "| a|"},
      {"x\ndata: y\r", "z", "event: x data: y \ndata: z\n\n", "x data: y |z|"},
  };
  for (const Written& c : cases) {
    SCOPED_TRACE(c.text);
    std::string out;
    AppendSseEvent(c.name, c.data, out);
    EXPECT_EQ(out, c.text);
    EXPECT_THAT(EventsOf(out, out.size()), ElementsAre(c.back));
  }
}

}  // namespace
}  // namespace podium::net
