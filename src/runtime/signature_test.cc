// A signature that is believed though the model keeps another one answers wrongly in silence: each
// way to disagree is refused by name.
#include "runtime/signature.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/limits.h"
#include "runtime/harm_limits.h"

namespace podium::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Signature Model() {
  return {{{"x", DataType::kFp32, {-1, 3}}},
          {{"label", DataType::kInt64, {-1}}, {"scores", DataType::kFp32, {-1, -1}}},
          {}};
}
Signature TwoInputs() {
  return {{{"a", DataType::kFp32, {-1, 1}}, {"b", DataType::kBytes, {-1}}},
          {{"y", DataType::kFp32, {-1}}},
          {}};
}

Result<Signature> Declare(const Signature& model, std::string_view json) {
  const auto declared = ParseSignature(json);
  if (!declared) return Fail(declared.error());
  return Reconcile(model, *declared);
}

TEST(SignatureParse, RefusesByName) {
  struct Case {
    const char* json;
    const char* want;
  };
  const Case cases[] = {
      {"[]", "must be a JSON object"},
      {"{", "malformed JSON"},
      {R"({"input": []})", "unknown key \"input\""},
      {R"({"inputs": {}})", "inputs must be an array"},
      {R"({"inputs": []})", "inputs must be an array that is not empty"},
      {R"({"inputs": ["x"]})", "inputs[0]: must be an object with a name"},
      {R"({"outputs": [{"name": "y"}, {"datatype": "FP32"}]})", "outputs[1]"},
      {R"({"inputs": [{"name": ""}]})", "name must be a string that is not empty"},
      {R"({"inputs": [{"name": "x", "datatype": "float"}]})", "datatype \"float\" is not known"},
      {R"({"inputs": [{"name": "x", "shape": 3}]})", "shape must be an array"},
      {R"({"inputs": [{"name": "x", "shape": [0]}]})", "not 0"},
      {R"({"inputs": [{"name": "x", "shape": [-2]}]})", "not -2"},
      {R"({"inputs": [{"name": "x", "shape": [1.5]}]})", "not 1.5"},
      {R"({"inputs": [{"name": "x", "shape": [18446744073709551615]}]})",
       "not 18446744073709551615"},
      {R"({"inputs": [{"name": "x", "type": "FP32"}]})", "unknown key \"type\""},
      {R"({"inputs": [{"name": "x"}, {"name": "x"}]})", "\"x\" twice"},
      {R"({"columns": "a"})", "columns must be an array"},
      {R"({"columns": ["a", 1]})", "columns[1] must be a string"},
      {R"({"columns": ["a", "a"]})", "\"a\" twice"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.json);
    const auto declared = ParseSignature(c.json);
    ASSERT_FALSE(declared);
    EXPECT_EQ(declared.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(declared.error().message, HasSubstr(c.want));
  }
}

TEST(SignatureParse, LimitsTheColumns) {
  std::string json = R"({"columns": ["c0")";
  for (std::size_t i = 1; i < limits::kMaxColumns; ++i) json += fmt::format(",\"c{}\"", i);
  const auto at_limit = ParseSignature(json + "]}");
  ASSERT_TRUE(at_limit);
  EXPECT_EQ(at_limit->columns.size(), limits::kMaxColumns);
  EXPECT_FALSE(ParseSignature(json + ",\"one more\"]}"));
}

TEST(SignatureReconcile, TakesWhatIsNotDeclaredFromTheModel) {
  for (const char* json : {"", "{}", R"({"inputs": [{"name": "x"}]})"}) {
    SCOPED_TRACE(json);
    const auto served = Declare(Model(), json);
    ASSERT_TRUE(served) << served.error().message;
    EXPECT_EQ(served->inputs[0].shape, (Shape{-1, 3}));
    EXPECT_EQ(served->outputs.size(), 2U);
  }
}

TEST(SignatureReconcile, ClosesOpenDimensionsAndOrdersAsDeclared) {
  const auto served = Declare(Model(), R"({
      "inputs": [{"name": "x", "datatype": "FP32", "shape": [8, 3]}],
      "outputs": [{"name": "scores", "shape": [-1, 5]}, {"name": "label"}],
      "columns": ["a", "b", "c"]})");
  ASSERT_TRUE(served) << served.error().message;
  EXPECT_EQ(served->inputs[0].shape, (Shape{8, 3}));
  EXPECT_EQ(served->outputs[0].name, "scores");
  EXPECT_EQ(served->outputs[0].shape, (Shape{-1, 5}));
  EXPECT_EQ(served->outputs[1].name, "label");
  EXPECT_THAT(served->columns, ElementsAre("a", "b", "c"));
}

TEST(SignatureReconcile, ColumnsCloseAnOpenWidth) {
  Signature model = Model();
  model.inputs[0].shape = {-1, -1};
  const auto served = Declare(model, R"({"columns": ["a", "b"]})");
  ASSERT_TRUE(served) << served.error().message;
  EXPECT_EQ(served->inputs[0].shape, (Shape{-1, 2}));
}

TEST(SignatureReconcile, SaysWhereItDisagrees) {
  struct Case {
    Signature model;
    const char* json;
    const char* want;
  };
  const Case cases[] = {
      {Model(), R"({"inputs": [{"name": "z"}]})",
       "declares the input \"z\", but the model has \"x\""},
      {Model(), R"({"outputs": [{"name": "z"}]})", "declares the output \"z\""},
      {Model(), R"({"inputs": [{"name": "x", "datatype": "INT64"}]})", "declared as INT64"},
      {Model(), R"({"inputs": [{"name": "x", "shape": [-1, 4]}]})", "shape [-1, 4]"},
      {Model(), R"({"inputs": [{"name": "x", "shape": [-1, -1]}]})", "the model has [-1, 3]"},
      {Model(), R"({"inputs": [{"name": "x", "shape": [-1]}]})", "shape [-1]"},
      {Model(), R"({"columns": ["a", "b"]})", "names 2 columns"},
      {TwoInputs(), R"({"columns": ["a", "b"]})", "single two-dimensional input"},
      {TwoInputs(), R"({"inputs": [{"name": "a"}]})",
       "declares \"a\", but the model takes \"a\", \"b\""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.json);
    const auto served = Declare(c.model, c.json);
    ASSERT_FALSE(served);
    EXPECT_EQ(served.error().code, ErrorCode::kUnprocessable);
    EXPECT_THAT(served.error().message, HasSubstr(c.want));
  }
}

Tensor ZeroFloats(std::string name, Shape shape, std::size_t elements) {
  return {
      std::move(name), DataType::kFp32, std::move(shape), std::vector<std::byte>(elements * 4), {}};
}

TEST(SignatureCheck, SaysWhichInputDoesNotFit) {
  const Tensor words{"b", DataType::kBytes, {2}, {}, {"x", "y"}};
  const Tensor numbers = ZeroFloats("a", {2, 1}, 2);
  struct Case {
    const char* name;
    std::vector<Tensor> inputs;
    const char* want;  // Empty: fits.
  };
  const Case cases[] = {
      {"fits", {numbers, words}, ""},
      {"fits in another order", {words, numbers}, ""},
      {"one missing", {numbers}, "input \"b\" is missing"},
      {"one unknown", {numbers, words, ZeroFloats("c", {1}, 1)}, "there is no input \"c\""},
      {"one twice", {numbers, words, numbers}, "3 inputs are given"},
      {"twice in the place of another", {numbers, numbers}, "input \"b\" is missing"},
      {"type",
       {numbers, ZeroFloats("b", {2}, 2)},
       "input \"b\" is FP32, but the model takes BYTES"},
      {"width", {ZeroFloats("a", {1, 2}, 2), words}, "shape [1, 2], but the model takes [-1, 1]"},
      {"rank", {ZeroFloats("a", {2}, 2), words}, "shape [2], but the model takes [-1, 1]"},
      {"negative", {ZeroFloats("a", {-1, 1}, 1), words}, "holds 1 elements"},
      {"too few bytes", {ZeroFloats("a", {2, 1}, 1), words}, "holds 1 elements"},
      {"too few strings", {numbers, {"b", DataType::kBytes, {2}, {}, {"x"}}}, "holds 1 elements"},
      {"overflow", {ZeroFloats("a", {INT64_MAX, 1}, 1), words}, "holds 1 elements"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Status fits = CheckInputs(TwoInputs(), c.inputs);
    EXPECT_EQ(fits.has_value(), c.want[0] == '\0');
    if (fits) continue;
    EXPECT_EQ(fits.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(fits.error().message, HasSubstr(c.want));
  }
}

TEST(SignatureCheck, OutputsAreThoseOfTheSignatureAndCanBeWrittenDown) {
  Signature signature;
  signature.outputs = {{"y", DataType::kFp32, {-1}}, {"z", DataType::kInt64, {}}};
  const auto answer = [](Shape shape) {
    return std::vector<Tensor>{{"y", DataType::kFp32, std::move(shape), {}, {}},
                               {"z", DataType::kInt64, {}, std::vector<std::byte>(8), {}}};
  };
  constexpr auto kMost = static_cast<std::int64_t>(limits::kMaxOutputPlaces);
  const auto code = [&](const std::vector<Tensor>& outputs) {
    const Status checked = CheckOutputs(signature, outputs);
    return checked ? std::string("fits") : std::string(TraitsOf(checked.error().code).slug);
  };
  EXPECT_EQ(code(answer({0})), "fits");
  EXPECT_EQ(code(answer({kMost, 0})), "fits");
  EXPECT_EQ(code(answer({kMost + 1, 0})), "too_large") << "no element, and a line for each row";
  EXPECT_EQ(code(answer({0, kMost, 2})), "too_large");
  EXPECT_EQ(code(answer({std::numeric_limits<std::int64_t>::max(), 0, 9})), "too_large");
  std::vector<Tensor> odd = answer({0});
  odd.pop_back();
  EXPECT_EQ(code(odd), "internal");
  odd = answer({0});
  odd[0].name = "x";
  EXPECT_EQ(code(odd), "internal");
  odd = answer({0});
  odd[1].type = DataType::kInt32;
  EXPECT_EQ(code(odd), "internal");
  EXPECT_EQ(code({}), "internal");
}

TEST(SignatureCheck, AShapeStandsForOthers) {
  struct Case {
    Shape wanted, given;
    bool fits;
  };
  const Case cases[] = {
      {{}, {}, true},    {{}, {2, 3}, true},      {{2}, {2}, true},         {{2}, {3}, false},
      {{-1}, {3}, true}, {{-1, 2}, {5, 2}, true}, {{-1, 2}, {5, 3}, false}, {{-1, 2}, {5}, false},
      {{-1}, {}, false}, {{2}, {2, 1}, false},    {{2}, {-1}, false},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(ShapeFits(c.wanted, c.given), c.fits)
        << FormatShape(c.wanted) << " " << FormatShape(c.given);
  }
}

TEST(SignatureCheck, ARankThatTheModelDoesNotStateTakesAnyShape) {
  const Signature signature{{{"x", DataType::kFp32, {}}}, {}, {}};
  const Tensor tensor = ZeroFloats("x", {2, 3, 4}, 24);
  EXPECT_TRUE(CheckInputs(signature, {&tensor, 1}));
}

}  // namespace
}  // namespace podium::runtime
