// What a caller writes reaches the model exactly, or comes back as an error that says which value
// of which row is wrong: a silently rounded, shifted or dropped number is a wrong prediction.
#include "gateway/predict_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "base/json.h"
#include "base/limits.h"
#include "gateway/predict_cell.h"
#include "net/handler.h"

namespace podium::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Keeps the padding that the decoder requires behind a body.
class PaddedBody {
 public:
  explicit PaddedBody(std::string text) : text_(std::move(text)), size_(text_.size()) {
    text_.append(net::kBodyPadding, '\xAA');
  }
  std::string_view view() const { return {text_.data(), size_}; }

 private:
  std::string text_;
  std::size_t size_;
};

Signature Table(DataType type, std::int64_t columns, std::vector<std::string> names = {}) {
  return {{{"x", type, {-1, columns}}}, {}, std::move(names)};
}
Signature Column(DataType type) { return Table(type, 1); }

Result<std::vector<Tensor>> Decode(const std::string& text, const Signature& signature) {
  PredictDecoder decoder;
  const PaddedBody body(text);
  const auto ids = decoder.Parse(body.view());
  if (!ids) return Fail(ids.error());
  return decoder.ToTensors(signature);
}

template <typename T>
std::vector<T> ValuesOf(const Tensor& tensor) {
  return {tensor.As<T>(), tensor.As<T>() + tensor.data.size() / sizeof(T)};
}

struct Refusal {
  const char* body;
  const char* message;
  const char* where;
};
void ExpectRowsRefused(const Refusal& c, const Signature& signature) {
  SCOPED_TRACE(c.body);
  const auto tensors = Decode(c.body, signature);
  ASSERT_FALSE(tensors);
  EXPECT_EQ(tensors.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(tensors.error().message, HasSubstr(c.message));
  EXPECT_EQ(tensors.error().where, c.where);
}

// --- The body -----------------------------------------------------------------------------------

TEST(PredictBody, GivesIdsAndRows) {
  PredictDecoder decoder;
  const PaddedBody body(R"({"session_id": "s-1", "rows": [[1], [2]], "request_id": "ré\n"})");
  const auto ids = decoder.Parse(body.view());
  ASSERT_TRUE(ids) << ids.error().message;
  EXPECT_EQ(ids->session_id, "s-1");
  EXPECT_EQ(ids->request_id, "ré\n");
  EXPECT_EQ(decoder.rows(), 2U);
  const PaddedBody bare(R"({"rows": [[1]]})");
  EXPECT_EQ(decoder.Parse(bare.view())->session_id, "");
  EXPECT_EQ(decoder.rows(), 1U);
}

TEST(PredictBody, RefusesWhatItDoesNotUnderstand) {
  const Refusal cases[] = {
      {"", "the body is empty", ""},
      {" \n", "the body is empty", ""},
      {"[[1]]", "must be an object with \"rows\"", ""},
      {"{}", "lacks \"rows\"", ""},
      {R"({"row": [[1]]})", "unknown key \"row\" (did you mean \"rows\"?)", "/row"},
      {R"({"instances": [[1]]})", "unknown key \"instances\": rows, session_id, request_id",
       "/instances"},
      {R"({"rows": [[1]], "rows": [[2]]})", "\"rows\" twice", "/rows"},
      {R"({"rows": [[1]], "a/b~": 1})", "unknown key", "/a~1b~0"},
      {R"({"rows": [[1]], "session_id": 7})", "\"session_id\" must be a string, 7 is given",
       "/session_id"},
      {R"({"rows": [[1]], "request_id": null})", "\"request_id\" must be a string, null is given",
       "/request_id"},
      {R"({"rows": {}})", "\"rows\" must be an array of rows, an object is given", "/rows"},
      {R"({"rows": []})", "\"rows\" is empty", "/rows"},
      {R"({"rows": [1]})", "row 0: an array or an object is wanted, 1 is given", "/rows/0"},
      {R"({"rows": [[1], {"x": 1}]})", "row 1 is an object, but row 0 is an array", "/rows/1"},
      {R"({"rows": [{"x": 1}, [1]]})", "row 1 is an array, but row 0 is an object", "/rows/1"},
  };
  for (const Refusal& c : cases) ExpectRowsRefused(c, Column(DataType::kFp32));
}

// Values that nobody reads are validated too: half of a body must never look like a whole one.
TEST(PredictBody, RefusesMalformedJsonAnywhere) {
  for (const char* text :
       {R"({"rows": [[1]])", R"({"rows": [[tru]]})", R"({"rows": [[01]]})", R"({"rows": [[1.]]})",
        R"({"rows": [[+1]]})", R"({"rows": [[NaN]]})", R"({"rows": [[1 2]]})",
        R"({"rows": [[1,]]})", R"({"rows": [["\x"]]})", "{\"rows\": [[\"\xff\"]]}",
        R"({"rows": [[1]]} x)", R"({"rows": [[1]]}{"rows": [[1]]})", R"({"rows": [[1e999]]})",
        R"({"rows": [[-]]})", R"({"a" 1})", "{\"rows\": [[\"\t\"]]}", R"({"rows": [["\ud800"]]})",
        "\xEF\xBB\xBF{"}) {
    SCOPED_TRACE(text);
    const auto tensors = Decode(text, Column(DataType::kFp32));
    ASSERT_FALSE(tensors);
    EXPECT_EQ(tensors.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(tensors.error().message, HasSubstr("malformed JSON"));
  }
  EXPECT_THAT(Decode("{\n  \"rows\": [[1,]]}", Column(DataType::kFp32)).error().message,
              HasSubstr("line 2, column 15"));
}

TEST(PredictBody, LimitsTheDepth) {
  const auto nested = [](int depth) {  // The object and "rows" are the first two levels.
    return R"({"rows": [)" + std::string(static_cast<std::size_t>(depth - 2), '[') + "1" +
           std::string(static_cast<std::size_t>(depth - 2), ']') + "]}";
  };
  PredictDecoder decoder;
  const PaddedBody at_limit(nested(limits::kMaxJsonDepth));
  const PaddedBody above(nested(limits::kMaxJsonDepth + 1));
  EXPECT_TRUE(decoder.Parse(at_limit.view()));
  const auto refused = decoder.Parse(above.view());
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("nested deeper than 64 levels"));
}

std::string Repeated(const std::string& item, std::size_t count) {
  std::string out = item;
  for (std::size_t i = 1; i < count; ++i) out += "," + item;
  return out;
}

TEST(PredictBody, LimitsRowsAndColumns) {
  const auto rows = [](std::size_t count) {
    return R"({"rows": [)" + Repeated("[1]", count) + "]}";
  };
  const auto columns = [](std::size_t count) {
    return R"({"rows": [[)" + Repeated("1", count) + "]]}";
  };
  PredictDecoder decoder;
  EXPECT_TRUE(decoder.Parse(PaddedBody(rows(limits::kMaxPredictRows)).view()));
  EXPECT_EQ(decoder.rows(), limits::kMaxPredictRows);
  EXPECT_EQ(decoder.Parse(PaddedBody(rows(limits::kMaxPredictRows + 1)).view()).error().code,
            ErrorCode::kTooLarge);
  EXPECT_TRUE(decoder.Parse(PaddedBody(columns(limits::kMaxColumns)).view()));
  const auto wide = decoder.Parse(PaddedBody(columns(limits::kMaxColumns + 1)).view());
  ASSERT_FALSE(wide);
  EXPECT_EQ(wide.error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(wide.error().where, "/rows/0");
}

TEST(PredictBody, ADecoderForgetsTheBodyBefore) {
  PredictDecoder decoder;
  const PaddedBody large(R"({"rows": [)" + Repeated("[1.25]", 9000) + R"(], "session_id": "s"})");
  const PaddedBody broken(R"({"rows": [[1], [2)");
  const PaddedBody small(R"({"rows": [[7]]})");
  ASSERT_TRUE(decoder.Parse(large.view()));
  EXPECT_FALSE(decoder.Parse(broken.view()));
  EXPECT_EQ(decoder.rows(), 0U);
  ASSERT_TRUE(decoder.Parse(small.view()));
  const auto tensors = decoder.ToTensors(Column(DataType::kFp32));
  ASSERT_TRUE(tensors);
  EXPECT_THAT(ValuesOf<float>(tensors->front()), ElementsAre(7));
}

// --- Rows ---------------------------------------------------------------------------------------

TEST(PredictRows, ArraysAreTheColumnsOfASingleInput) {
  const auto tensors =
      Decode(R"({"rows": [[1, 2.5, -3], [4, 5, 6e1]]})", Table(DataType::kFp32, 3));
  ASSERT_TRUE(tensors) << tensors.error().message;
  ASSERT_EQ(tensors->size(), 1U);
  EXPECT_EQ(tensors->front().name, "x");
  EXPECT_EQ(tensors->front().shape, (Shape{2, 3}));
  EXPECT_THAT(ValuesOf<float>(tensors->front()), ElementsAre(1, 2.5F, -3, 4, 5, 60));
}

TEST(PredictRows, ObjectsNameTheColumnsInAnyOrder) {
  const Signature signature = Table(DataType::kFp32, 3, {"a", "b c", "d/e"});
  const auto tensors = Decode(
      R"({"rows": [{"a": 1, "b c": 2, "d/e": 3}, {"d/e": 6, "a": 4, "b c": 5}]})", signature);
  ASSERT_TRUE(tensors) << tensors.error().message;
  EXPECT_EQ(tensors->front().shape, (Shape{2, 3}));
  EXPECT_THAT(ValuesOf<float>(tensors->front()), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(PredictRows, TheFirstRowSettlesAnOpenWidth) {
  const auto tensors = Decode(R"({"rows": [[1, 2], [3, 4]]})", Table(DataType::kFp32, -1));
  ASSERT_TRUE(tensors) << tensors.error().message;
  EXPECT_EQ(tensors->front().shape, (Shape{2, 2}));
  ExpectRowsRefused({R"({"rows": [[1, 2], [3]]})", "row 1 has 1 columns, 2 are wanted", "/rows/1"},
                    Table(DataType::kFp32, -1));
  ExpectRowsRefused({R"({"rows": [[]]})", "row 0 has 0 columns, one or more are wanted", "/rows/0"},
                    Table(DataType::kFp32, -1));
}

TEST(PredictRows, SeveralInputsTakeOneEntryEach) {
  const Signature signature{{{"a", DataType::kFp32, {-1}},
                             {"b", DataType::kInt64, {-1, 1}},
                             {"c", DataType::kFp64, {-1, 2}},
                             {"s", DataType::kBytes, {-1, 1}}},
                            {},
                            {}};
  for (
      const char* body :
      {R"({"rows": [[1, 2, [3, 4], "x"], [5, [6], [7, 8], ["y"]]]})",
       R"({"rows": [{"a": 1, "b": 2, "c": [3, 4], "s": "x"}, {"s": "y", "c": [7, 8], "b": [6], "a": 5}]})"}) {
    SCOPED_TRACE(body);
    const auto tensors = Decode(body, signature);
    ASSERT_TRUE(tensors) << tensors.error().message;
    ASSERT_EQ(tensors->size(), 4U);
    EXPECT_EQ((*tensors)[0].shape, (Shape{2}));
    EXPECT_EQ((*tensors)[1].shape, (Shape{2, 1}));
    EXPECT_EQ((*tensors)[2].shape, (Shape{2, 2}));
    EXPECT_THAT(ValuesOf<float>((*tensors)[0]), ElementsAre(1, 5));
    EXPECT_THAT(ValuesOf<std::int64_t>((*tensors)[1]), ElementsAre(2, 6));
    EXPECT_THAT(ValuesOf<double>((*tensors)[2]), ElementsAre(3, 4, 7, 8));
    EXPECT_THAT((*tensors)[3].strings, ElementsAre("x", "y"));
  }
  const Refusal cases[] = {
      {R"({"rows": [[1, 2, [3, 4]]]})", "row 0 has 3 entries, but the model takes 4 (a, b, c, s)",
       "/rows/0"},
      {R"({"rows": [[1, 2, [3], "x"]]})",
       "row 0, column 2 (\"c\"): 2 values are wanted for input \"c\", 1 are given", "/rows/0/2"},
      {R"({"rows": [[1, 2, 3, "x"]]})", "an array is wanted for input \"c\", 3 is given",
       "/rows/0/2"},
      {R"({"rows": [[[1], 2, [3, 4], "x"]]})", "a number within FP32 is wanted, an array is given",
       "/rows/0/0"},
      {R"({"rows": [{"a": 1, "b": 2, "c": [3, 4]}]})", "row 0 lacks the column \"s\"", "/rows/0"},
  };
  for (const Refusal& c : cases) ExpectRowsRefused(c, signature);
}

TEST(PredictRows, OneInputWithoutColumns) {
  struct Case {
    Shape shape;
    const char* body;
    Shape want;
  };
  const Case cases[] = {
      {{-1}, R"({"rows": [[1], [2]]})", {2}},
      {{-1}, R"({"rows": [{"x": 1}, {"x": 2}]})", {2}},
      {{-1, 1}, R"({"rows": [{"x": 1}, {"x": [2]}]})", {2, 1}},
      {{-1, 2}, R"({"rows": [{"x": [1, 2]}]})", {1, 2}},
      {{-1, 2, 2}, R"({"rows": [[[1, 2], [3, 4]]]})", {1, 2, 2}},
      {{-1, -1, -1}, R"({"rows": [[[1, 2, 3]], [[4, 5, 6]]]})", {2, 1, 3}},
      {{}, R"({"rows": [[1, 2]]})", {1, 2}},
      {{2, 1}, R"({"rows": [[1], [2]]})", {2, 1}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.body);
    const auto tensors = Decode(c.body, {{{"x", DataType::kFp32, c.shape}}, {}, {}});
    ASSERT_TRUE(tensors) << tensors.error().message;
    EXPECT_EQ(tensors->front().shape, c.want);
    std::vector<float> counted(static_cast<std::size_t>(*ElementCount(c.want)));
    std::iota(counted.begin(), counted.end(), 1.0F);
    EXPECT_EQ(ValuesOf<float>(tensors->front()), counted);
  }
}

TEST(PredictRows, AFixedBatchTakesExactlyItsRows) {
  const Signature signature{{{"x", DataType::kFp32, {1, 2}}}, {}, {}};
  EXPECT_TRUE(Decode(R"({"rows": [[1, 2]]})", signature));
  ExpectRowsRefused(
      {R"({"rows": [[1, 2], [3, 4]]})", "takes exactly 1 row at a time, 2 are given", "/rows"},
      signature);
}

TEST(PredictRows, SaysWhichColumnIsWrong) {
  const Signature signature = Table(DataType::kFp32, 2, {"mean radius", "area"});
  const Refusal cases[] = {
      {R"({"rows": [[1, 2], [1, 2], [1, 2], [1, "x"]]})",
       "row 3, column 1 (\"area\"): a number within FP32 is wanted, \"x\" is given", "/rows/3/1"},
      {R"({"rows": [[1]]})", "row 0 has 1 columns, 2 are wanted", "/rows/0"},
      {R"({"rows": [[1, 2, 3]]})", "row 0 has 3 columns, 2 are wanted", "/rows/0"},
      {R"({"rows": [{"mean radius": 1, "area": null}]})",
       "row 0, column \"area\": a number within FP32 is wanted, null is given", "/rows/0/area"},
      {R"({"rows": [{"mean_radius": 1, "area": 2}]})",
       "row 0 has the unknown column \"mean_radius\" (did you mean \"mean radius\"?)",
       "/rows/0/mean_radius"},
      {R"({"rows": [{"mean radius": 1}]})", "row 0 lacks the column \"area\"", "/rows/0"},
      {R"({"rows": [{}]})", "row 0 lacks the column \"mean radius\"", "/rows/0"},
      {R"({"rows": [{"area": 1, "area": 2}]})", "row 0 has the column \"area\" twice",
       "/rows/0/area"},
      {R"({"rows": [{"mean radius": 1, "area": 2, "x": 3}]})", "unknown column \"x\"", "/rows/0/x"},
      {R"({"rows": [[[1], 2]]})",
       "column 0 (\"mean radius\"): a number within FP32 is wanted, an array", "/rows/0/0"},
      {R"({"rows": [[1, {"a": 1}]]})", "an object is given", "/rows/0/1"},
  };
  for (const Refusal& c : cases) ExpectRowsRefused(c, signature);
}

// A signature may promise sizes that no body holds; it must not be believed with memory.
TEST(PredictRows, AHugeSignatureCostsNoMemory) {
  const Signature signature{
      {{"x", DataType::kFp64, {-1, INT64_C(1) << 40, INT64_C(1) << 40}}}, {}, {}};
  EXPECT_FALSE(Decode(R"({"rows": [[[1]], [[2]]]})", signature));
}

// --- Values -------------------------------------------------------------------------------------

// Each type at its limits, and one step past them.
TEST(PredictValues, IntegersAreExact) {
  struct Case {
    DataType type;
    const char* least;
    const char* most;
    const char* below;
    const char* above;
  };
  const Case cases[] = {
      {DataType::kInt8, "-128", "127", "-129", "128"},
      {DataType::kInt16, "-32768", "32767", "-32769", "32768"},
      {DataType::kInt32, "-2147483648", "2147483647", "-2147483649", "2147483648"},
      {DataType::kInt64, "-9223372036854775808", "9223372036854775807", "-9223372036854775809",
       "9223372036854775808"},
      {DataType::kUint8, "0", "255", "-1", "256"},
      {DataType::kUint16, "0", "65535", "-1", "65536"},
      {DataType::kUint32, "0", "4294967295", "-1", "4294967296"},
      {DataType::kUint64, "0", "18446744073709551615", "-1", "18446744073709551616"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(NameOf(c.type));
    const auto body = [](const std::string& value) { return R"({"rows": [[)" + value + "]]}"; };
    for (const char* value : {c.least, c.most}) {
      SCOPED_TRACE(value);
      const auto tensors = Decode(body(value), Column(c.type));
      ASSERT_TRUE(tensors) << tensors.error().message;
      std::string back;
      EncodePredictions(*tensors, 1, "m", "v", back);
      EXPECT_THAT(back, HasSubstr(fmt::format("\"predictions\":[{}],", value)));
    }
    for (const char* value : {c.below, c.above, "1.5", "1e300", "true", "\"1\"", "null", "[1]"}) {
      SCOPED_TRACE(value);
      const auto tensors = Decode(body(value), Column(c.type));
      ASSERT_FALSE(tensors);
      EXPECT_EQ(tensors.error().code, ErrorCode::kInvalidArgument);
      EXPECT_EQ(tensors.error().where, "/rows/0/0");
      EXPECT_THAT(tensors.error().message,
                  HasSubstr(fmt::format("a whole number within {} is wanted", NameOf(c.type))));
    }
  }
}

// pandas writes integers of a column with gaps as 1.0: the same number, so it is taken.
TEST(PredictValues, WholeNumbersMayHaveAPoint) {
  const auto tensors =
      Decode(R"({"rows": [[1.0], [-2e3], [9007199254740992.0]]})", Column(DataType::kInt64));
  ASSERT_TRUE(tensors) << tensors.error().message;
  EXPECT_THAT(ValuesOf<std::int64_t>(tensors->front()), ElementsAre(1, -2000, 9007199254740992));
  // Above 2^53 a floating-point text may stand for several integers.
  EXPECT_FALSE(Decode(R"({"rows": [[9007199254740994.0]]})", Column(DataType::kInt64)));
}

TEST(PredictValues, FloatsRoundButNeverOverflow) {
  struct Case {
    DataType type;
    const char* text;
    std::optional<double> want;
  };
  const Case cases[] = {
      {DataType::kFp32, "0.1", 0.1F},
      {DataType::kFp32, "16777217", 16777216.0},
      {DataType::kFp32, "3.4028235e38", std::numeric_limits<float>::max()},
      {DataType::kFp32, "-3.4028235677973362e38", -std::numeric_limits<float>::max()},
      {DataType::kFp32, "3.4028235677973366e38", std::nullopt},
      {DataType::kFp32, "1e39", std::nullopt},
      {DataType::kFp32, "1e-50", 0.0},
      {DataType::kFp32, "18446744073709551615", 18446744073709551616.0},
      {DataType::kFp32, "100000000000000000000", 100000000000000000000.0F},
      {DataType::kFp64, "1.7976931348623157e308", 1.7976931348623157e308},
      {DataType::kFp64, "-100000000000000000000", -1e20},
      {DataType::kFp64, "true", std::nullopt},
      {DataType::kFp64, "\"1\"", std::nullopt},
      {DataType::kFp64, "null", std::nullopt},
      {DataType::kFp16, "65504", 65504.0},
      {DataType::kFp16, "65519.9", 65504.0},
      {DataType::kFp16, "65520", std::nullopt},
      {DataType::kFp16, "0.1", 0.0999755859375},
      {DataType::kFp16, "5.960464477539063e-8", 0x1p-24},
      {DataType::kFp16, "6.1035e-5", 0x1p-14},
      {DataType::kBf16, "3.3895313892515355e38", 0x1.fep127},
      {DataType::kBf16, "3.4e38", std::nullopt},
      {DataType::kBf16, "1.00390625", 1.0},  // A tie: to even.
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(fmt::format("{} {}", NameOf(c.type), c.text));
    const auto tensors = Decode(fmt::format(R"({{"rows": [[{}]]}})", c.text), Column(c.type));
    ASSERT_EQ(tensors.has_value(), c.want.has_value());
    if (!tensors) continue;
    const Tensor& tensor = tensors->front();
    const double got = c.type == DataType::kFp32   ? *tensor.As<float>()
                       : c.type == DataType::kFp64 ? *tensor.As<double>()
                                                   : Widen(c.type, *tensor.As<std::uint16_t>());
    EXPECT_EQ(got, *c.want);
  }
}

// Every 16-bit pattern that is a number survives the way to double and back.
TEST(PredictValues, SixteenBitFloatsRoundTrip) {
  for (const DataType type : {DataType::kFp16, DataType::kBf16}) {
    for (unsigned bits = 0; bits <= 0xFFFF; ++bits) {
      const double value = Widen(type, static_cast<std::uint16_t>(bits));
      if (!std::isfinite(value)) continue;
      std::uint16_t back = 0;
      ASSERT_TRUE(NarrowTo(type, value, back)) << bits;
      ASSERT_EQ(back, bits) << NameOf(type);
    }
  }
  EXPECT_TRUE(std::isinf(Widen(DataType::kFp16, 0x7C00)));
  EXPECT_TRUE(std::isnan(Widen(DataType::kBf16, 0x7FC1)));
}

TEST(PredictValues, BooleansAndStringsAreNothingElse) {
  const auto flags = Decode(R"({"rows": [[true], [false]]})", Column(DataType::kBool));
  ASSERT_TRUE(flags) << flags.error().message;
  EXPECT_THAT(ValuesOf<std::uint8_t>(flags->front()), ElementsAre(1, 0));
  const auto words = Decode(R"({"rows": [["é\u0000"], [""]]})", Column(DataType::kBytes));
  ASSERT_TRUE(words) << words.error().message;
  EXPECT_THAT(words->front().strings, ElementsAre(std::string("é\0", 3), ""));

  ExpectRowsRefused(
      {R"({"rows": [[1]]})", "true or false (BOOL) is wanted, 1 is given", "/rows/0/0"},
      Column(DataType::kBool));
  ExpectRowsRefused(
      {R"({"rows": [[true]]})", "a string (BYTES) is wanted, true is given", "/rows/0/0"},
      Column(DataType::kBytes));
}

TEST(PredictValues, CutsLongTextsInMessages) {
  const std::string text(1000, 'a');
  const auto tensors = Decode(R"({"rows": [[")" + text + R"("]]})", Column(DataType::kFp32));
  ASSERT_FALSE(tensors);
  EXPECT_LT(tensors.error().message.size(), 150U);
}

// Clients in other languages write 1e20 with all its digits; strings that look so stay as they are.
TEST(PredictValues, ReadsIntegersOfAnyLengthAsFloats) {
  const Signature signature{
      {{"a", DataType::kFp64, {-1}}, {"b", DataType::kBytes, {-1}}, {"c", DataType::kUint64, {-1}}},
      {},
      {}};
  const auto tensors = Decode(
      R"({"rows": [[123456789012345678901234567890, "\"100000000000000000000", 18446744073709551615],
                   [0.12345678901234567890123, "x", 7]]})",
      signature);
  ASSERT_TRUE(tensors) << tensors.error().message;
  EXPECT_THAT(ValuesOf<double>((*tensors)[0]),
              ElementsAre(123456789012345678901234567890.0, 0.12345678901234567890123));
  EXPECT_THAT((*tensors)[1].strings, ElementsAre("\"100000000000000000000", "x"));
  EXPECT_THAT(ValuesOf<std::uint64_t>((*tensors)[2]), ElementsAre(UINT64_MAX, 7U));
}

// --- Answers ------------------------------------------------------------------------------------

template <typename T>
Tensor Make(std::string name, DataType type, Shape shape, const std::vector<T>& values) {
  Tensor tensor{std::move(name), type, std::move(shape), {}, {}};
  const auto* bytes = reinterpret_cast<const std::byte*>(values.data());
  tensor.data.assign(bytes, bytes + values.size() * sizeof(T));
  return tensor;
}

std::string Encode(const std::vector<Tensor>& outputs, std::size_t rows) {
  std::string out;
  EncodePredictions(outputs, rows, "m\"1", "v2", out);
  EXPECT_TRUE(ParseJson(out)) << out;
  return out;
}

TEST(PredictAnswer, GivesOneEntryPerRow) {
  const std::vector<float> four = {1, 2.5F, 0.1F, 100000};
  struct Case {
    const char* name;
    Shape shape;
    std::size_t rows;
    const char* want;
  };
  const Case cases[] = {
      {"one value", {4}, 4, "[1,2.5,0.1,100000]"},
      {"a column", {4, 1}, 4, "[1,2.5,0.1,100000]"},
      {"a table", {2, 2}, 2, "[[1,2.5],[0.1,100000]]"},
      {"deeper", {2, 1, 2}, 2, "[[[1,2.5]],[[0.1,100000]]]"},
      {"not by row", {4, 1}, 2, "[[1],[2.5],[0.1],[100000]]"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(Encode({Make("y", DataType::kFp32, c.shape, four)}, c.rows),
              fmt::format(R"({{"predictions":{},"model":"m\"1","version":"v2"}})", c.want));
  }
  EXPECT_THAT(Encode({Make<float>("y", DataType::kFp32, {}, {3})}, 2),
              HasSubstr(R"("predictions":3,)"));
  EXPECT_THAT(Encode({Make<float>("y", DataType::kFp32, {0, 2}, {})}, 2),
              HasSubstr(R"("predictions":[],)"));
}

TEST(PredictAnswer, NamesTheOtherOutputs) {
  const std::vector<Tensor> outputs = {
      Make<std::int64_t>("label", DataType::kInt64, {2}, {INT64_MIN, 1}),
      Make<double>("scores", DataType::kFp64, {2, 2}, {0.1, 0.9, 1e-7, 1e300}),
      {"na\"me", DataType::kBytes, {2, 1}, {}, {"a\n", "\xff"}}};
  EXPECT_EQ(
      Encode(outputs, 2),
      R"({"predictions":[-9223372036854775808,1],"outputs":{"scores":[[0.1,0.9],[1e-07,1e+300]],)"
      "\"na\\\"me\":[\"a\\u000a\",\"\xEF\xBF\xBD\"]},"
      R"("model":"m\"1","version":"v2"})");
}

TEST(PredictAnswer, WritesNullWhereJsonHasNoNumber) {
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_THAT(Encode({Make<float>("y", DataType::kFp32, {3}, {NAN, infinity, -infinity})}, 3),
              HasSubstr(R"("predictions":[null,null,null])"));
  EXPECT_THAT(Encode({Make<std::uint16_t>("y", DataType::kFp16, {2}, {0x7C00, 0x3C00})}, 2),
              HasSubstr(R"("predictions":[null,1])"));
}

// What a client reads must be the very value that the model gave.
TEST(PredictAnswer, FloatsReadBackAsTheSameValue) {
  const std::vector<float> floats = {0.1F,          1.0F / 3, 1.17549435e-38F, 1e-45F, 16777216.0F,
                                     3.4028235e38F, -0.0F};
  const Json back = *ParseJson(Encode({Make("y", DataType::kFp32, {7}, floats)}, floats.size()));
  for (std::size_t i = 0; i < floats.size(); ++i) {
    const auto read = static_cast<float>(back["predictions"][i].get<double>());
    EXPECT_EQ(read, floats[i]) << i;
    EXPECT_EQ(std::signbit(read), std::signbit(floats[i])) << i;
  }
}

}  // namespace
}  // namespace podium::gateway
