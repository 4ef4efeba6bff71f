#include "net/http_body.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <tuple>

#include "base/limits.h"

namespace podium::net {
namespace {

struct Decoded {
  std::string body;
  std::size_t consumed = 0;
  bool done = false;
  bool failed = false;
  bool operator==(const Decoded&) const = default;
};

/// Feeds `text` in parts of at most `part` bytes.
Decoded Decode(std::string_view text, std::size_t part) {
  ChunkedDecoder decoder;
  Decoded result;
  while (!decoder.done() && result.consumed < text.size()) {
    const auto step = decoder.Next(text.substr(result.consumed, part));
    result.body += step.piece;
    result.consumed += step.consumed;
    result.failed = step.failed;
    if (step.failed) break;
  }
  result.done = decoder.done();
  return result;
}

TEST(ChunkedDecoder, GivesTheBodyAndStopsAtItsEnd) {
  const std::string text = "4\r\nWiki\r\nA;x=\"1\"\r\npedia in 6\r\n0\r\nTrailer: yes\r\n\r\nnext";
  const Decoded whole = Decode(text, text.size());
  EXPECT_TRUE(whole.done);
  EXPECT_EQ(whole.body, "Wikipedia in 6");
  EXPECT_EQ(whole.consumed, text.size() - 4);
  for (std::size_t part = 1; part < text.size(); ++part) {
    EXPECT_EQ(Decode(text, part), whole) << part;
  }
}

// Sizes are read at once or digit by digit: the same sizes.
TEST(ChunkedDecoder, ReadsSizesOfAnyLength) {
  for (const std::string_view size : {"3", "03", "00000003", "000000003", "0000000000000003"}) {
    SCOPED_TRACE(size);
    const std::string text = fmt::format("{}\r\nabc\r\n{}\r\ndef\r\n00\r\n\r\n", size, size);
    const Decoded whole = Decode(text, text.size());
    EXPECT_TRUE(whole.done);
    EXPECT_EQ(whole.body, "abcdef");
    for (std::size_t part = 1; part < text.size(); ++part) EXPECT_EQ(Decode(text, part), whole);
  }
  ChunkedDecoder digits;
  EXPECT_EQ(digits.Next("100000003\r\nabc").piece, "abc");
  EXPECT_TRUE(Decode("12345678 \r\n", 100).failed);
  ChunkedDecoder large;
  EXPECT_EQ(large.Next("fFfFfFfF\r\nabc").piece, "abc");
}

TEST(ChunkedDecoder, TakesTheEndOfAChunkWithIt) {
  ChunkedDecoder decoder;
  const std::string_view text = "3\r\nabc\r\n";
  EXPECT_EQ(decoder.Next(text).consumed, text.size());
}

// What one server takes for a size and the next for something else is refused.
TEST(ChunkedDecoder, RefusesWhatIsAmbiguous) {
  struct Case {
    const char* name;
    std::string text;
  };
  const Case cases[] = {
      {"no size", "\r\nabc\r\n0\r\n\r\n"},
      {"sign", "+3\r\nabc\r\n0\r\n\r\n"},
      {"prefix", "0x3\r\nabc\r\n0\r\n\r\n"},
      {"space before size", " 3\r\nabc\r\n0\r\n\r\n"},
      {"space after size", "3 \r\nabc\r\n0\r\n\r\n"},
      {"LF after size", "3\nabc\r\n0\r\n\r\n"},
      {"CR without LF", "3\rabc\r\n0\r\n\r\n"},
      {"no end of chunk", "3\r\nabc0\r\n\r\n"},
      {"LF at the end of a chunk", "3\r\nabc\n0\r\n\r\n"},
      {"longer than it says", "3\r\nabcd\r\n0\r\n\r\n"},
      {"size above 63 bits", "8000000000000000\r\n"},
      {"size of 17 digits", "10000000000000000\r\n"},
      {"control byte in an extension", "3;a\x01\r\nabc\r\n0\r\n\r\n"},
      {"LF in an extension", "3;a\nabc\r\n0\r\n\r\n"},
      {"folded trailer", "0\r\nx: y\r\n z\r\n\r\n"},
      {"trailer without colon", "0\r\nx\r\n\r\n"},
      {"trailer without name", "0\r\n: x\r\n\r\n"},
      {"space before a trailer's colon", "0\r\nx : y\r\n\r\n"},
      {"LF after a trailer", "0\r\nx: y\n\r\n"},
      {"LF alone at the end", "0\r\n\n"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_TRUE(Decode(c.text, c.text.size()).failed);
    EXPECT_TRUE(Decode(c.text, 1).failed);
  }
}

// INV-16: size lines and trailers, at their limit and one above.
TEST(ChunkedDecoder, Inv16LimitsHoldToTheByte) {
  const auto line = [](std::size_t bytes) {
    return "0;" + std::string(bytes - 2, 'a') + "\r\n\r\n";
  };
  EXPECT_TRUE(Decode(line(limits::kMaxChunkLineBytes), 1000).done);
  EXPECT_TRUE(Decode(line(limits::kMaxChunkLineBytes + 1), 1000).failed);
  const auto trailer = [](std::size_t bytes) {
    return "0\r\nx:" + std::string(bytes - 2, 'a') + "\r\n\r\n";
  };
  EXPECT_TRUE(Decode(trailer(limits::kMaxTrailerBytes), 10'000).done);
  EXPECT_TRUE(Decode(trailer(limits::kMaxTrailerBytes + 1), 10'000).failed);
  EXPECT_FALSE(Decode("7fffffffffffffff\r\n", 100).failed);
}

TEST(BodyFraming, KnowsWhichResponsesHaveNoBody) {
  struct Case {
    int status;
    HttpMethod method;
    bool done;
  };
  const Case cases[] = {
      {200, HttpMethod::kGet, false}, {200, HttpMethod::kHead, true},
      {204, HttpMethod::kGet, true},  {304, HttpMethod::kGet, true},
      {100, HttpMethod::kPost, true}, {500, HttpMethod::kPost, false},
  };
  for (const Case& c : cases) {
    ResponseHead head;
    head.status = c.status;
    head.content_length = 5;
    EXPECT_EQ(BodyFraming(head, c.method).done(), c.done) << c.status;
  }
  ResponseHead endless;
  endless.status = 200;
  BodyFraming framing(endless, HttpMethod::kGet);
  EXPECT_TRUE(framing.until_close());
  EXPECT_EQ(framing.Next("abc").piece, "abc");
  EXPECT_FALSE(framing.done());
}

TEST(BodyFraming, LeavesWhatFollowsAKnownLength) {
  RequestHead head;
  head.content_length = 3;
  BodyFraming framing(head);
  EXPECT_EQ(framing.Next("ab").piece, "ab");
  EXPECT_EQ(framing.remaining(), 1u);
  const auto step = framing.Next("cGET /");
  EXPECT_EQ(step.piece, "c");
  EXPECT_EQ(step.consumed, 1u);
  EXPECT_TRUE(framing.done());
}

}  // namespace
}  // namespace podium::net
