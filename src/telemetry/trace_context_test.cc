// What W3C Trace Context says of `traceparent`, row by row.
#include "telemetry/trace_context.h"

#include <gtest/gtest.h>

#include <string>

namespace podium::telemetry {
namespace {

constexpr TraceId kTrace{0x4bf92f3577b34da6, 0xa3ce929d0e0e4736};
constexpr SpanId kSpan{0x00f067aa0ba902b7};

TEST(TraceContext, IsReadAsTheStandardSays) {
  struct Case {
    const char* name;
    std::string text;
    bool valid;
    bool sampled;
  };
  const std::string ids = "-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-";
  const std::string none(32, '0');
  const Case cases[] = {
      {"sampled", "00" + ids + "01", true, true},
      {"not sampled", "00" + ids + "00", true, false},
      {"flags that nobody knows yet are passed over", "00" + ids + "fe", true, false},
      {"and do not hide the one that is known", "00" + ids + "ff", true, true},
      {"a later version", "01" + ids + "01", true, true},
      {"a later version with more", "cc" + ids + "01-what-comes", true, true},
      {"a later version with something stuck to it", "cc" + ids + "01.what", false, false},
      {"this version with more", "00" + ids + "01-what", false, false},
      {"a version that is none", "ff" + ids + "01", false, false},
      {"no trace", "00-" + none + "-00f067aa0ba902b7-01", false, false},
      {"no span", "00-4bf92f3577b34da6a3ce929d0e0e4736-" + none.substr(16) + "-01", false, false},
      {"capitals", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", false, false},
      {"no hexadecimal digit", "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01", false,
       false},
      {"a version of no digits", "0x" + ids + "01", false, false},
      {"flags of no digits", "00" + ids + "0x", false, false},
      {"too short", ("00" + ids + "0"), false, false},
      {"empty", "", false, false},
      {"other separators", "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01", false, false},
      {"white space before it", " 00" + ids + "01", false, false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const auto context = ParseTraceparent(c.text);
    ASSERT_EQ(context.has_value(), c.valid);
    if (!context) continue;
    EXPECT_EQ(context->trace, kTrace);
    EXPECT_EQ(context->span, kSpan);
    EXPECT_EQ(context->sampled, c.sampled);
  }
}

TEST(TraceContext, WhatIsWrittenIsRead) {
  EXPECT_EQ(FormatTraceparent({kTrace, kSpan, true}),
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  EXPECT_EQ(FormatTraceparent({{0, 1}, {2}, false}),
            "00-00000000000000000000000000000001-0000000000000002-00");
  EXPECT_EQ(HexOf(kTrace), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(HexOf(kSpan), "00f067aa0ba902b7");
}

/// Gives zeros first: the ids that mean "none".
class ZerosFirst final : public Rng {
 public:
  std::uint64_t Next64() override { return calls_++ < 4 ? 0 : 7; }

 private:
  int calls_ = 0;
};

TEST(TraceContext, AnIdIsNeverNone) {
  ZerosFirst traces;
  EXPECT_EQ(NewTraceId(traces), (TraceId{7, 7}));
  ZerosFirst spans;
  EXPECT_EQ(NewSpanId(spans), SpanId{7});
}

TEST(TraceContext, TracestateIsPassedOnWithinItsLimit) {
  EXPECT_TRUE(MayPassTracestate("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"));
  EXPECT_TRUE(MayPassTracestate(std::string(kMaxTracestateBytes, 'a')));
  EXPECT_FALSE(MayPassTracestate(std::string(kMaxTracestateBytes + 1, 'a')));
  EXPECT_FALSE(MayPassTracestate(""));
  EXPECT_FALSE(MayPassTracestate("a=\xC3\xA4"));
  EXPECT_FALSE(MayPassTracestate(std::string("a=\0b", 4)));
}

}  // namespace
}  // namespace podium::telemetry
