#include "net/http_parser.h"

#include <gtest/gtest.h>

#include <string>

namespace podium::net {
namespace {

ParseOutcome Parse(std::string_view text, RequestHead& head) {
  return ParseRequestHead(text, head);
}

/// A request with one more header line after a valid Host.
std::string With(std::string_view lines, std::string_view method = "POST",
                 std::string_view version = "1.1") {
  return std::string(method) + " /x HTTP/" + std::string(version) + "\r\nHost: a\r\n" +
         std::string(lines) + "\r\n";
}

TEST(RequestHead, ReadsWhatItSays) {
  const std::string text =
      "PUT /a%20b/c?x=1&y=?z HTTP/1.1\r\nHost: example.org:8080\r\nX-Empty:\r\n"
      "x-padded: \t two words \t\r\nContent-Length: 12\r\n\r\nbody";
  RequestHead head;
  const ParseOutcome outcome = Parse(text, head);
  ASSERT_EQ(outcome.state, ParseState::kComplete) << outcome.error.text;
  EXPECT_EQ(outcome.consumed, text.size() - 4);
  EXPECT_EQ(head.method, HttpMethod::kPut);
  EXPECT_EQ(head.target, "/a%20b/c?x=1&y=?z");
  EXPECT_EQ(head.path, "/a%20b/c");
  EXPECT_EQ(head.query, "x=1&y=?z");
  EXPECT_EQ(head.version_minor, 1);
  EXPECT_EQ(head.headers.size(), 4u);
  EXPECT_EQ(head.Find("X-EMPTY"), "");
  EXPECT_EQ(head.Find("X-Padded"), "two words");
  EXPECT_EQ(head.Find("absent"), std::nullopt);
  EXPECT_EQ(head.content_length, 12u);
  EXPECT_FALSE(head.chunked);
  EXPECT_TRUE(head.keep_alive);
}

// Each of these can be read in two ways by two servers in a row, or is simply not HTTP. One that
// slips through is a hole for request smuggling.
TEST(RequestHead, RefusesWhatIsAmbiguousOrWrong) {
  struct Case {
    const char* name;
    std::string text;
    int status;
  };
  const std::string nul("x: a\0b\r\n", 8);
  const Case cases[] = {
      {"length and chunked", With("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), 400},
      {"chunked and length", With("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"), 400},
      {"two lengths", With("Content-Length: 3\r\nContent-Length: 4\r\n"), 400},
      {"the same length twice", With("Content-Length: 3\r\nContent-Length: 3\r\n"), 400},
      {"list of lengths", With("Content-Length: 3, 3\r\n"), 400},
      {"signed length", With("Content-Length: +3\r\n"), 400},
      {"negative length", With("Content-Length: -1\r\n"), 400},
      {"hexadecimal length", With("Content-Length: 0x3\r\n"), 400},
      {"empty length", With("Content-Length:\r\n"), 400},
      {"length with a space", With("Content-Length: 1 2\r\n"), 400},
      {"length above 63 bits", With("Content-Length: 9223372036854775808\r\n"), 400},
      {"unknown coding", With("Transfer-Encoding: gzip\r\n"), 400},
      {"coding list", With("Transfer-Encoding: gzip, chunked\r\n"), 400},
      {"chunked twice", With("Transfer-Encoding: chunked, chunked\r\n"), 400},
      {"two codings", With("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
      {"coding with a vertical tab", With("Transfer-Encoding: \vchunked\r\n"), 400},
      {"quoted coding", With("Transfer-Encoding: \"chunked\"\r\n"), 400},
      {"coding in 1.0", With("Transfer-Encoding: chunked\r\n", "POST", "1.0"), 400},
      {"folded line", With("x: a\r\n b\r\n"), 400},
      {"folded by a tab", With("x: a\r\n\tb\r\n"), 400},
      {"first line folded", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
      {"space before colon", With("Content-Length : 3\r\n"), 400},
      {"tab before colon", With("Transfer-Encoding\t: chunked\r\n"), 400},
      {"no colon", With("nonsense\r\n"), 400},
      {"empty name", With(": x\r\n"), 400},
      {"bracket in name", With("x(: a\r\n"), 400},
      {"name above ASCII", With("x\xc3\xa9: a\r\n"), 400},
      {"NUL in value", With(nul), 400},
      {"control byte in value", With("x: a\x01z\r\n"), 400},
      {"DEL in value", With("x: a\x7f\r\n"), 400},
      {"bare CR in value", With("x: a\rContent-Length: 3\r\n"), 400},
      {"LF only after a header", With("x: a\nContent-Length: 3\r\n"), 400},
      {"LF only after the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400},
      {"LF only at the end", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400},
      {"bare CR at the end", "GET / HTTP/1.1\r\nHost: a\r\n\rX", 400},
      {"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two Hosts", With("Host: b\r\n"), 400},
      {"the same Host twice", With("Host: a\r\n"), 400},
      {"empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
      {"Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
      {"Host with user", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400},
      {"Host list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400},
      {"Host with a bad port", "GET / HTTP/1.1\r\nHost: a:http\r\n\r\n", 400},
      {"no method", " / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"bad method token", "G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"unknown method", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
      {"method in lower case", "get / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
      {"CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 501},
      {"TRACE", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
      {"endless method", std::string(40, 'A'), 501},
      {"TLS on a plain port", std::string("\x16\x03\x01\x02", 4), 400},
      {"no target", "GET  HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"no version", "GET /\r\n\r\n", 400},
      {"two spaces", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"space after version", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400},
      {"control byte in target", "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"byte above ASCII in target", "GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"fragment", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"backslash", "GET /a\\b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"encoded NUL", "GET /a%00b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"encoded NUL in query", "GET /a?b=%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"half an escape", "GET /a%2 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"escape of no digits", "GET /a%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"relative target", "GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"asterisk with GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"foreign authority", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"authority with user", "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"authority without Host", "GET http://a/ HTTP/1.0\r\n\r\n", 400},
      {"other scheme", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"HTTP/2", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
      {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
      {"HTTP/0.9", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505},
      {"HTTP/1.10", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400},
      {"http in lower case", "GET / http/1.1\r\nHost: a\r\n\r\n", 400},
      {"unknown expectation", With("Expect: a-pony\r\n"), 417},
      {"two blank lines first", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    RequestHead head;
    const ParseOutcome outcome = Parse(c.text, head);
    EXPECT_EQ(outcome.state, ParseState::kError);
    EXPECT_EQ(outcome.error.status, c.status) << outcome.error.text;
    EXPECT_FALSE(outcome.error.text.empty());
  }
}

// What is unusual but unambiguous must still be served.
TEST(RequestHead, AcceptsWhatIsUnusual) {
  struct Case {
    const char* name;
    std::string text;
    const char* path;
  };
  const Case cases[] = {
      {"blank line first", "\r\nGET /p HTTP/1.1\r\nHost: a\r\n\r\n", "/p"},
      {"1.0 without Host", "GET /p HTTP/1.0\r\n\r\n", "/p"},
      {"absolute target", "GET http://A:80/p?q HTTP/1.1\r\nHost: a:80\r\n\r\n", "/p"},
      {"absolute without path", "GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", "/"},
      {"absolute, query only", "GET http://a?q HTTP/1.1\r\nHost: a\r\n\r\n", "/"},
      {"OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "*"},
      {"IPv6 Host", "GET /p HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", "/p"},
      {"bytes above ASCII in a value", "GET /p HTTP/1.1\r\nHost: a\r\nx: \xc3\xa9\r\n\r\n", "/p"},
      {"coding in capitals", "PUT /p HTTP/1.1\r\nHost: a\r\nTRANSFER-ENCODING: Chunked\r\n\r\n",
       "/p"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    RequestHead head;
    const ParseOutcome outcome = Parse(c.text, head);
    ASSERT_EQ(outcome.state, ParseState::kComplete) << outcome.error.text;
    EXPECT_EQ(outcome.consumed, c.text.size());
    EXPECT_EQ(head.path, c.path);
  }
}

TEST(RequestHead, DecidesAboutTheConnection) {
  struct Case {
    const char* version;
    const char* lines;
    bool keep;
  };
  const Case cases[] = {
      {"1.1", "", true},
      {"1.1", "Connection: close\r\n", false},
      {"1.1", "Connection: upgrade, Close\r\n", false},
      {"1.1", "Connection: keep-alive\r\nConnection: close\r\n", false},
      {"1.0", "", false},
      {"1.0", "Connection: Keep-Alive\r\n", true},
      {"1.0", "Connection: keep-alive, close\r\n", false},
  };
  for (const Case& c : cases) {
    RequestHead head;
    ASSERT_EQ(Parse(With(c.lines, "GET", c.version), head).state, ParseState::kComplete);
    EXPECT_EQ(head.keep_alive, c.keep) << c.version << " " << c.lines;
  }
}

TEST(RequestHead, ExpectsOnlyWithABody) {
  RequestHead head;
  ASSERT_EQ(Parse(With("Expect: 100-Continue\r\nContent-Length: 1\r\n"), head).state,
            ParseState::kComplete);
  EXPECT_TRUE(head.expect_continue);
  ASSERT_EQ(Parse(With("Expect: 100-continue\r\n"), head).state, ParseState::kComplete);
  EXPECT_FALSE(head.expect_continue);
}

// INV-16: the head, the target and the number of fields, at their limit and one above.
TEST(RequestHead, Inv16LimitsHoldToTheByte) {
  RequestHead head;
  const auto status_of = [&head](const std::string& text) {
    const ParseOutcome outcome = Parse(text, head);
    return outcome.state == ParseState::kComplete ? 200 : outcome.error.status;
  };
  const auto target = [](std::size_t bytes) {
    return "GET /" + std::string(bytes - 1, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n";
  };
  EXPECT_EQ(status_of(target(limits::kMaxTargetBytes)), 200);
  EXPECT_EQ(status_of(target(limits::kMaxTargetBytes + 1)), 414);

  const auto sized = [](std::size_t bytes) {
    const std::string empty = With("x: \r\n");
    return With("x: " + std::string(bytes - empty.size(), 'a') + "\r\n");
  };
  EXPECT_EQ(status_of(sized(limits::kMaxHeadBytes)), 200);
  EXPECT_EQ(status_of(sized(limits::kMaxHeadBytes + 1)), 431);
  // Not yet whole, and never going to be.
  EXPECT_EQ(status_of(sized(limits::kMaxHeadBytes + 1).substr(0, limits::kMaxHeadBytes)), 431);

  const auto fields = [](std::size_t count) {
    std::string lines;
    for (std::size_t i = 1; i < count; ++i) lines += "x: y\r\n";  // Host is the first.
    return With(lines);
  };
  EXPECT_EQ(status_of(fields(limits::kMaxHeaders)), 200);
  EXPECT_EQ(status_of(fields(limits::kMaxHeaders + 1)), 431);
}

// The network splits where it likes: no prefix may be answered otherwise than the whole.
TEST(RequestHead, SplitAnywhereSaysTheSame) {
  const std::string texts[] = {
      "\r\nPOST /a%20b?c HTTP/1.1\r\nHost: [::1]:1\r\nContent-Length: 10\r\nx:  y \r\n\r\nnext",
      "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
      With("Content-Length: 3\r\nContent-Length: 3\r\n"),
      With("x: a\r\n folded\r\n"),
      "GET / HTTP/1.1\r\nHost: a\nb: c\r\n\r\n",
      "BREW / HTTP/1.1\r\n\r\n",
  };
  for (const std::string& text : texts) {
    RequestHead head;
    const ParseOutcome whole = Parse(text, head);
    ASSERT_NE(whole.state, ParseState::kNeedMore);
    bool decided = false;
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
      const ParseOutcome part = Parse(std::string(text, 0, cut), head);
      if (part.state == ParseState::kNeedMore) {
        EXPECT_FALSE(decided) << cut;
        continue;
      }
      decided = true;
      EXPECT_EQ(part.state, whole.state) << cut;
      EXPECT_EQ(part.consumed, whole.consumed) << cut;
      EXPECT_EQ(part.error.text, whole.error.text) << cut;
    }
    EXPECT_TRUE(decided);
  }
}

TEST(ResponseHead, ReadsWhatItSays) {
  ResponseHead head;
  const std::string text = "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nx-a: b\r\n\r\n{}";
  const ParseOutcome outcome = ParseResponseHead(text, head);
  ASSERT_EQ(outcome.state, ParseState::kComplete);
  EXPECT_EQ(outcome.consumed, text.size() - 2);
  EXPECT_EQ(head.status, 404);
  EXPECT_EQ(head.reason, "Not Found");
  EXPECT_EQ(head.content_length, 2u);
  EXPECT_EQ(head.Find("X-A"), "b");
  EXPECT_TRUE(head.keep_alive);
  for (const char* bare : {"HTTP/1.0 200 \r\n\r\n", "HTTP/1.0 200\r\n\r\n"}) {
    ASSERT_EQ(ParseResponseHead(bare, head).state, ParseState::kComplete) << bare;
    EXPECT_EQ(head.reason, "");
    EXPECT_FALSE(head.keep_alive);
  }
}

TEST(ResponseHead, RefusesWhatIsAmbiguousOrWrong) {
  for (const char* text : {
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
           "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
           "HTTP/1.1 20 OK\r\n\r\n",
           "HTTP/1.1 2000 OK\r\n\r\n",
           "HTTP/1.1 099 OK\r\n\r\n",
           "HTTP/3.0 200 OK\r\n\r\n",
           "SSH-2.0-OpenSSH_9.2\r\n",
           "HTTP/1.1 200 OK\n\n",
       }) {
    ResponseHead head;
    EXPECT_EQ(ParseResponseHead(text, head).state, ParseState::kError) << text;
  }
}

TEST(EqualsIgnoreCase, FoldsAsciiLettersAlone) {
  struct Case {
    std::string_view a;
    std::string_view b;
    bool same;
  };
  using namespace std::string_view_literals;
  const Case cases[] = {
      {"", "", true},           {"Host", "hOST", true},
      {"host", "hosts", false}, {"a", "b", false},
      {"@", "`", false},        {"[x", "{x", false},
      {"\0x"sv, " x"sv, false}, {"\xC1", "\xE1", false},
      {"\x80", "\x80", true},   {"x-\xC1", "X-\xC1", true},
      {"Ax", "aY", false},
  };
  for (const Case& c : cases) EXPECT_EQ(EqualsIgnoreCase(c.a, c.b), c.same) << c.a << " " << c.b;
}

}  // namespace
}  // namespace podium::net
