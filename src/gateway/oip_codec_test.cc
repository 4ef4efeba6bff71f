// An OIP body reaches the model exactly, whatever its form, or is refused before anything is sized
// by what it claims. tests/system/test_oip.py says the same through a real client.
#include "gateway/oip_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/limits.h"
#include "net/handler.h"

namespace podium::gateway {
namespace {

using ::testing::HasSubstr;

constexpr std::size_t kMaxBody = 1 << 20;

Signature Of(std::vector<TensorSpec> inputs) {
  return {std::move(inputs), {{"y", DataType::kFp32, {-1}}, {"z", DataType::kBytes, {-1}}}, {}};
}
Signature Only(DataType type, Shape shape) { return Of({{"x", type, std::move(shape)}}); }

/// One request through a codec: its parts live as long as those of a real one.
class Request {
 public:
  explicit Request(std::string body, std::optional<std::string> header = std::nullopt)
      : body_(std::move(body)), size_(body_.size()), header_(std::move(header)) {
    body_.append(net::kBodyPadding, '\xAA');
    if (header_) head_.headers.push_back({"Inference-Header-Content-Length", *header_});
  }
  Result<CallInputs> Read(const Signature& signature) {
    const auto ids = codec_.Parse({body_.data(), size_});
    if (!ids) return Fail(ids.error());
    session_ = ids->session_id;
    id_ = ids->request_id;
    return codec_.Read(signature);
  }
  net::Response Answer(const std::vector<Tensor>& outputs) {
    ModelVersion served;
    served.version = "v7";
    net::Response response;
    codec_.WriteAnswer({outputs, 1, "route", served}, response);
    return response;
  }
  const std::string& session() const { return session_; }
  const std::string& id() const { return id_; }
  OipWorkspace& workspace() { return workspace_; }

 private:
  std::string body_;
  std::size_t size_;
  std::optional<std::string> header_;
  net::RequestHead head_;
  OipWorkspace workspace_;
  OipCodec codec_{workspace_, head_, kMaxBody};
  std::string session_;
  std::string id_;
};

std::string Input(std::string_view type, std::string_view shape, std::string_view data) {
  return fmt::format(
      R"({{"inputs": [{{"name": "x", "datatype": "{}", "shape": {}, "data": {}}}]}})", type, shape,
      data);
}

void ExpectRefused(Result<CallInputs> inputs, std::string_view words,
                   ErrorCode code = ErrorCode::kInvalidArgument) {
  ASSERT_FALSE(inputs) << words;
  EXPECT_EQ(inputs.error().code, code);
  EXPECT_THAT(inputs.error().message, HasSubstr(words));
}

// Through double, 2^53 + 1 becomes its neighbour: another row of somebody's table.
TEST(OipCodec, IntegersKeepAllTheir64Bits) {
  Request wide(Input("UINT64", "[3]", "[9007199254740993, 18446744073709551615, 0]"));
  const auto inputs = wide.Read(Only(DataType::kUint64, {-1}));
  ASSERT_TRUE(inputs) << inputs.error().message;
  const auto* values = inputs->tensors[0].As<std::uint64_t>();
  EXPECT_EQ(values[0], 9007199254740993U);
  EXPECT_EQ(values[1], 18446744073709551615U);
  EXPECT_EQ(inputs->rows, 3U);
  Request below(Input("INT64", "[1]", "[-9223372036854775808]"));
  const auto least = below.Read(Only(DataType::kInt64, {-1}));
  ASSERT_TRUE(least);
  EXPECT_EQ(*least->tensors[0].As<std::int64_t>(), std::numeric_limits<std::int64_t>::min());
}

TEST(OipCodec, EveryIntegerTypeEndsWhereItEnds) {
  struct Case {
    DataType type;
    const char* least;
    const char* most;
    const char* below;
    const char* above;
  };
  const Case cases[] = {
      {DataType::kUint8, "0", "255", "-1", "256"},
      {DataType::kUint16, "0", "65535", "-1", "65536"},
      {DataType::kUint32, "0", "4294967295", "-1", "4294967296"},
      {DataType::kUint64, "0", "18446744073709551615", "-1", "18446744073709551616"},
      {DataType::kInt8, "-128", "127", "-129", "128"},
      {DataType::kInt16, "-32768", "32767", "-32769", "32768"},
      {DataType::kInt32, "-2147483648", "2147483647", "-2147483649", "2147483648"},
      {DataType::kInt64, "-9223372036854775808", "9223372036854775807", "-9223372036854775809",
       "9223372036854775808"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(NameOf(c.type));
    const Signature signature = Only(c.type, {-1});
    for (const char* good : {c.least, c.most}) {
      Request request(Input(NameOf(c.type), "[1]", fmt::format("[{}]", good)));
      EXPECT_TRUE(request.Read(signature)) << good;
    }
    for (const char* bad : {c.below, c.above}) {
      Request request(Input(NameOf(c.type), "[1]", fmt::format("[{}]", bad)));
      ExpectRefused(request.Read(signature), "element 0");
    }
  }
}

// A shape is a promise of memory: none is kept before the body has shown that it can fill it.
TEST(OipCodec, RefusesShapesBeforeAnythingIsSizedByThem) {
  const Signature any = Only(DataType::kFp64, {});
  struct Case {
    const char* shape;
    const char* words;
  };
  const Case cases[] = {
      {"[4294967296, 4294967296]", "counted"},
      {"[9223372036854775807, 2]", "counted"},
      {"[4611686018427387904, 4]", "counted"},  // 2^64: 0, when it wraps.
      {"[9223372036854775808]", "at least 1"},
      {"[9223372036854775807]", "more than the body can hold"},
      {"[1000000000]", "more than the body can hold"},
      {"[0]", "at least 1"},
      {"[-1]", "at least 1"},
      {"[1.0]", "at least 1"},
      {"[true]", "at least 1"},
      {"3", "array"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.shape);
    Request request(Input("FP64", c.shape, "[1]"));
    ExpectRefused(request.Read(any), c.words);
  }
}

TEST(OipCodec, TakesNestedOrFlatDataAndNothingBetween) {
  const Signature cube = Only(DataType::kInt8, {-1, 2, 2});
  for (const char* data : {"[1,2,3,4]", "[[[1,2],[3,4]]]"}) {
    SCOPED_TRACE(data);
    Request request(Input("INT8", "[1,2,2]", data));
    const auto inputs = request.Read(cube);
    ASSERT_TRUE(inputs) << inputs.error().message;
    const std::array<std::int8_t, 4> want = {1, 2, 3, 4};
    EXPECT_EQ(std::memcmp(inputs->tensors[0].data.data(), want.data(), 4), 0);
  }
  for (const char* data :
       {"[[1,2,3,4]]", "[[1,2],[3,4]]", "[[[1,2],[3]]]", "[[[1,2],[3,4,5]]]", "[[[1,2],[3,4]],[]]",
        "[[[1,2],[3,[4]]]]", "[1,2,[3,4]]", "[1,2,3]", "[1,2,3,4,5]", "[]", "[[]]", "4"}) {
    SCOPED_TRACE(data);
    Request request(Input("INT8", "[1,2,2]", data));
    EXPECT_FALSE(request.Read(cube));
  }
  Request scalar(Input("INT8", "[]", "[7]"));
  EXPECT_TRUE(scalar.Read(Only(DataType::kInt8, {})));
}

// Limits: at each, and one past.
TEST(OipCodec, LimitsHoldAtTheirEdge) {
  const auto with_rank = [](std::size_t rank) {
    const std::string ones(2 * rank - 1, '1');
    std::string shape = "[" + ones + "]";
    for (std::size_t i = 2; i < shape.size() - 1; i += 2) shape[i] = ',';
    Request request(Input("FP32", shape, "[1]"));
    return request.Read(Only(DataType::kFp32, {}));
  };
  EXPECT_TRUE(with_rank(limits::kMaxTensorRank));
  ExpectRefused(with_rank(limits::kMaxTensorRank + 1), "33 dimensions");

  const auto with_outputs = [](std::size_t count) {
    Signature signature = Only(DataType::kFp32, {-1});
    std::string body =
        R"({"inputs": [{"name": "x", "datatype": "FP32", "shape": [1], "data": [1]}],)"
        R"( "outputs": [)";
    signature.outputs.clear();
    for (std::size_t i = 0; i < count; ++i) {
      signature.outputs.push_back({fmt::format("o{}", i), DataType::kFp32, {-1}});
      body += fmt::format(R"({}{{"name": "o{}"}})", i > 0 ? "," : "", i);
    }
    Request request(body + "]}");
    return request.Read(signature);
  };
  EXPECT_TRUE(with_outputs(limits::kMaxTensors));
  ExpectRefused(with_outputs(limits::kMaxTensors + 1), "at most 1024", ErrorCode::kTooLarge);

  const auto with_id = [](std::size_t bytes) {
    Request request(
        R"({"id": ")" + std::string(bytes, 'i') +
        R"(", "inputs": [{"name": "x", "datatype": "FP32", "shape": [1], "data": [1]}]})");
    return request.Read(Only(DataType::kFp32, {-1}));
  };
  const auto with_rows = [](std::size_t rows, Shape model) {
    Request request(fmt::format(R"({{"inputs": [{{"name": "x", "datatype": "UINT8", "shape": )"
                                R"([{}], "data": [{}]}}]}})",
                                rows, fmt::join(std::vector<int>(rows, 1), ",")));
    return request.Read(Only(DataType::kUint8, std::move(model)));
  };
  const auto past = static_cast<std::int64_t>(limits::kMaxPredictRows) + 1;
  EXPECT_EQ(with_rows(limits::kMaxPredictRows, {-1})->rows, limits::kMaxPredictRows);
  ExpectRefused(with_rows(limits::kMaxPredictRows + 1, {-1}), "10000 rows", ErrorCode::kTooLarge);
  ExpectRefused(with_rows(limits::kMaxPredictRows + 1, {}), "10000 rows", ErrorCode::kTooLarge);
  EXPECT_TRUE(with_rows(limits::kMaxPredictRows + 1, {past}));  // The model wants it so.
  Request raw(std::string(limits::kMaxPredictRows + 1, '\1'), "0");
  ExpectRefused(raw.Read(Only(DataType::kUint8, {-1})), "10000 rows", ErrorCode::kTooLarge);

  EXPECT_TRUE(with_id(limits::kMaxUnitBytes));
  EXPECT_FALSE(with_id(limits::kMaxUnitBytes + 1));
}

// The time of a run is judged by its rows, so the longest input counts, not the first.
TEST(OipCodec, RowsAreThoseOfTheLongestInput) {
  Request request(
      R"({"inputs": [{"name": "scale", "datatype": "FP32", "shape": [2], "data": [1, 2]},
                     {"name": "x", "datatype": "FP32", "shape": [3, 1], "data": [1, 2, 3]}]})");
  const auto inputs =
      request.Read(Of({{"scale", DataType::kFp32, {2}}, {"x", DataType::kFp32, {-1, 1}}}));
  ASSERT_TRUE(inputs) << inputs.error().message;
  EXPECT_EQ(inputs->rows, 3U);
}

TEST(OipCodec, BytesAreCopiedAsTheyAreAndBooleansChecked) {
  const auto ask = [](DataType type, std::string_view bytes, std::int64_t count) {
    const std::string json =
        fmt::format(R"({{"inputs": [{{"name": "x", "datatype": "{}", "shape": [{}], "parameters": )"
                    R"({{"binary_data_size": {}}}}}]}})",
                    NameOf(type), count, bytes.size());
    Request request(json + std::string(bytes), std::to_string(json.size()));
    return request.Read(Only(type, {-1}));
  };
  using std::string_view_literals::operator""sv;
  const auto doubles = ask(DataType::kFp64, "\0\1\2\3\4\5\6\7\xff\xfe\xfd\xfc\0\0\0\0"sv, 2);
  ASSERT_TRUE(doubles);
  EXPECT_EQ(
      std::memcmp(doubles->tensors[0].data.data(), "\0\1\2\3\4\5\6\7\xff\xfe\xfd\xfc\0\0\0\0", 16),
      0);
  EXPECT_TRUE(ask(DataType::kBool, "\0\1"sv, 2));
  ExpectRefused(ask(DataType::kBool, "\1\2"sv, 2), "element 1");
  ExpectRefused(ask(DataType::kFp64, "\0\1\2\3\4\5\6"sv, 1), "7 bytes");
  ExpectRefused(ask(DataType::kUint8, "abc"sv, 4611686018427387904), "3 bytes");
  ExpectRefused(ask(DataType::kFp64, ""sv, 2305843009213693952), "0 bytes");  // 2^61 * 8 wraps.
  const auto texts = ask(DataType::kBytes, "\2\0\0\0hi\0\0\0\0"sv, 2);
  ASSERT_TRUE(texts);
  EXPECT_EQ(texts->tensors[0].strings, (std::vector<std::string>{"hi", ""}));
  ExpectRefused(ask(DataType::kBytes, "\2\0\0\0hi"sv, 4611686018427387904), "hold 1");
}

TEST(OipCodec, RawBytesTakeTheOnlyShapeTheyCanHave) {
  struct Case {
    const char* name;
    DataType type;
    Shape model;
    std::size_t bytes;
    Shape want;  ///< Empty: refused.
  };
  const Case cases[] = {
      {"closed", DataType::kFp32, {1, 3}, 12, {1, 3}},
      {"closed, more", DataType::kFp32, {1, 3}, 24, {}},
      {"open rows", DataType::kFp32, {-1, 3}, 24, {2, 3}},
      {"open rows, a part", DataType::kFp32, {-1, 3}, 20, {}},
      {"open columns", DataType::kFp32, {1, -1}, 20, {1, 5}},
      {"a batch of one", DataType::kUint8, {-1, -1}, 5, {1, 5}},
      {"three open", DataType::kUint8, {-1, -1, -1}, 5, {}},
      {"not the first two", DataType::kUint8, {2, -1, -1}, 4, {}},
      {"unknown rank", DataType::kUint8, {}, 4, {}},
      {"nothing", DataType::kFp32, {-1, 3}, 0, {}},
      {"a text", DataType::kBytes, {-1, 1}, 9, {1, 1}},
      {"an empty text", DataType::kBytes, {1}, 0, {1}},
      {"texts", DataType::kBytes, {-1, 2}, 9, {}},
      {"beyond numbers", DataType::kUint8, {-1, 4294967296, 4294967296}, 9, {}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Request request(std::string(c.bytes, '\1'), "0");
    const auto inputs = request.Read(Only(c.type, c.model));
    ASSERT_EQ(inputs.has_value(), !c.want.empty());
    if (!inputs) continue;
    EXPECT_EQ(inputs->tensors[0].shape, c.want);
    EXPECT_EQ(inputs->tensors[0].data.size(), c.type == DataType::kBytes ? 0 : c.bytes);
  }
  Request two(std::string(4, '\0'), "0");
  ExpectRefused(two.Read(Of({{"a", DataType::kFp32, {1}}, {"b", DataType::kFp32, {1}}})),
                "one input");
}

TEST(OipCodec, TheHeaderLengthIsCheckedAgainstTheBody) {
  const std::string json = Input("FP32", "[1]", "[1]");
  const Signature signature = Only(DataType::kFp32, {-1});
  Request whole(json, std::to_string(json.size()));
  EXPECT_TRUE(whole.Read(signature));
  for (const std::string& header :
       {std::to_string(json.size() + 1), std::string("-1"), std::string("+1"), std::string(""),
        std::string("1e2"), std::string("0x10"), std::string("99999999999999999999")}) {
    SCOPED_TRACE(header);
    Request request(json, header);
    EXPECT_FALSE(request.Read(signature));
  }
}

TEST(OipCodec, NullsAndUnknownKeysSayNothing) {
  Request request(
      R"({"id": null, "outputs": null, "parameters": null, "model_name": "m", "extra": {"a": 1},
          "inputs": [{"name": "x", "datatype": "FP32", "shape": [1], "parameters": null,
                      "data": [1], "note": []}]})");
  EXPECT_TRUE(request.Read(Only(DataType::kFp32, {-1})));
  EXPECT_EQ(request.id(), "");
}

std::vector<Tensor> Outputs() {
  Tensor y{"y", DataType::kFp32, {2}, {}, {}};
  y.data.resize(8);
  y.As<float>()[0] = 0.1F;
  y.As<float>()[1] = std::numeric_limits<float>::infinity();
  return {y, Tensor{"z", DataType::kBytes, {1}, {}, {"a\"b"}}};
}

std::string Asking(std::string_view more) {
  return R"({"inputs": [{"name": "x", "datatype": "FP32", "shape": [1], "data": [1]}])" +
         std::string(more) + "}";
}

// Between parsing and the answer the core may have parsed other bodies: nothing may point there.
TEST(OipCodec, TheAnswerOutlivesTheBody) {
  auto request = std::make_unique<Request>(
      Asking(R"(, "id": "an id of more than fifteen letters", "outputs": [{"name": "z"}])"));
  ASSERT_TRUE(request->Read(Only(DataType::kFp32, {-1})));
  const std::string other = Asking("") + std::string(net::kBodyPadding, ' ');
  ASSERT_TRUE(request->workspace().json.Parse({other.data(), Asking("").size()}, ""));
  const Result<Json> answer = ParseJson(request->Answer(Outputs()).body);
  ASSERT_TRUE(answer);
  EXPECT_EQ(
      DumpJson(*answer),
      R"({"model_name":"route","model_version":"v7","id":"an id of more than fifteen letters",)"
      R"("outputs":[{"name":"z","datatype":"BYTES","shape":[1],"data":["a\"b"]}]})");
}

TEST(OipCodec, WritesJsonBytesOrBoth) {
  struct Case {
    const char* asking;
    const char* outputs;
    std::string bytes;
  };
  using std::string_literals::operator""s;
  const std::string y = "\xcd\xcc\xcc\x3d\0\0\x80\x7f"s;
  const std::string z = "\3\0\0\0a\"b"s;
  const char* y_json = R"({"name":"y","datatype":"FP32","shape":[2],"data":[0.1,null]})";
  const char* z_json = R"({"name":"z","datatype":"BYTES","shape":[1],"data":["a\"b"]})";
  const char* y_size =
      R"({"name":"y","datatype":"FP32","shape":[2],"parameters":{"binary_data_size":8}})";
  const char* z_size =
      R"({"name":"z","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":7}})";
  const auto list = [](const char* a, const char* b) { return fmt::format("[{},{}]", a, b); };
  const std::string all_json = list(y_json, z_json);
  const std::string all_binary = list(y_size, z_size);
  const std::string mixed = list(z_size, y_json);
  const Case cases[] = {
      {"", all_json.c_str(), ""},
      {R"(, "outputs": [])", all_json.c_str(), ""},
      {R"(, "parameters": {"binary_data_output": true})", all_binary.c_str(), y + z},
      {R"(, "parameters": {"binary_data_output": true}, "outputs": [{"name": "z"},
          {"name": "y", "parameters": {"binary_data": false}}])",
       mixed.c_str(), z},
      {R"(, "outputs": [{"name": "z", "parameters": {"binary_data": true}}, {"name": "y"}])",
       mixed.c_str(), z},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.asking);
    Request request(Asking(c.asking));
    ASSERT_TRUE(request.Read(Only(DataType::kFp32, {-1})));
    const net::Response response = request.Answer(Outputs());
    const std::string want =
        fmt::format(R"({{"model_name":"route","model_version":"v7","outputs":{}}})", c.outputs);
    const auto header = response.headers.Find("Inference-Header-Content-Length");
    EXPECT_EQ(header.has_value(), !c.bytes.empty());
    if (header) EXPECT_EQ(*header, std::to_string(want.size()));
    EXPECT_EQ(response.content_type.view(),
              c.bytes.empty() ? "application/json" : "application/octet-stream");
    EXPECT_EQ(response.body, want + (c.bytes.empty() ? "\n" : c.bytes));
  }
}

TEST(OipCodec, SessionComesFromTheParameters) {
  Request request(Asking(R"(, "parameters": {"session_id": "alice", "mood": "good"})"));
  ASSERT_TRUE(request.Read(Only(DataType::kFp32, {-1})));
  EXPECT_EQ(request.session(), "alice");
  Request number(Asking(R"(, "parameters": {"session_id": 7})"));
  ExpectRefused(number.Read(Only(DataType::kFp32, {-1})), "session_id");
}

}  // namespace
}  // namespace podium::gateway
