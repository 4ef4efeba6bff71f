#include "control/follow/mlmodel.h"

#include <gtest/gtest.h>

#include <string>

#include "domain/signature.h"

namespace podium::control {
namespace {

// As mlflow.onnx.log_model writes it.
constexpr std::string_view kLogged = R"(artifact_path: model
flavors:
  onnx:
    code: null
    data: model.onnx
    onnx_version: 1.17.0
    providers:
    - CPUExecutionProvider
  python_function:
    data: model.onnx
    loader_module: mlflow.onnx
mlflow_version: 3.1.0
signature:
  inputs: '[{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 30]}, "name": "x"}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}, "name": "label"},
    {"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 2]}, "name": "p"}]'
  params: null
utc_time_created: '2026-03-09 14:00:00'
)";

TEST(ReadMlmodel, FindsTheFileAndWhatItTakes) {
  const auto model = ReadMlmodel(kLogged);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->onnx_file, "model.onnx");
  const auto declared = ParseSignature(model->signature);
  ASSERT_TRUE(declared) << declared.error().message;
  ASSERT_EQ(declared->inputs->size(), 1U);
  EXPECT_EQ(declared->inputs->front().name, "x");
  EXPECT_EQ(declared->inputs->front().type, DataType::kFp32);
  EXPECT_EQ(declared->inputs->front().shape, (Shape{-1, 30}));
  ASSERT_EQ(declared->outputs->size(), 2U);
  EXPECT_EQ(declared->outputs->at(0).type, DataType::kInt64);
  EXPECT_EQ(declared->outputs->at(1).name, "p");
}

std::string WithSignature(const std::string& signature) {
  return "flavors: {onnx: {data: m.onnx}}\nsignature: " + signature + "\n";
}

// What is guessed wrong here would refuse a good model: nothing is better than half.
TEST(ReadMlmodel, DeclaresNothingThatItDoesNotKnow) {
  for (const std::string& signature : {
           std::string("null"),
           std::string("[]"),
           std::string("{}"),
           std::string("{inputs: 7}"),
           std::string(R"({inputs: 'no json', outputs: '{}'})"),
           std::string(R"({inputs: '[{"type": "double", "name": "a"}]'})"),
           std::string(R"({inputs: '[{"type": "tensor", "tensor-spec": {"dtype": "float32"}}]'})"),
           std::string(R"({inputs: '[{"type": "tensor", "name": "x"}, 7]'})"),
       }) {
    const auto model = ReadMlmodel(WithSignature(signature));
    ASSERT_TRUE(model) << signature << ": " << model.error().message;
    EXPECT_EQ(model->signature, "") << signature;
  }
  const auto half = ReadMlmodel(WithSignature(
      R"({inputs: '[{"type": "tensor", "name": "x", "tensor-spec": {"dtype": "odd"}}]'})"));
  ASSERT_TRUE(half);
  EXPECT_EQ(half->signature, R"({"inputs":[{"name":"x"}]})");
}

TEST(ReadMlmodel, RefusesWithWhatToDo) {
  struct Case {
    std::string yaml;
    const char* word;
  };
  const Case cases[] = {
      {"", "names no flavors"},
      {"just text", "names no flavors"},
      {"flavors: 7", "names no flavors"},
      {"flavors: {sklearn: {pickled_model: m.pkl}}", "mlflow.onnx.log_model"},
      {"flavors: {onnx: {onnx_version: 1}}", "flavors.onnx.data"},
      {"flavors: {onnx: {data: [a]}}", "flavors.onnx.data"},
      {"flavors: {onnx: m.onnx}", "flavors.onnx.data"},
      {"flavors: {onnx: {data: ''}}", "flavors.onnx.data"},
      {"a: [", "cannot be read"},
      {std::string(100'000, '['), "cannot be read"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.yaml.substr(0, 40));
    const auto refused = ReadMlmodel(c.yaml);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kUnprocessable);
    EXPECT_NE(refused.error().message.find(c.word), std::string::npos) << refused.error().message;
  }
}

}  // namespace
}  // namespace podium::control
