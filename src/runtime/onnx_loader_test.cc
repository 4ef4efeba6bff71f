// Real, tiny models through the real library: what is promised of signatures, datatypes, warm-up
// and errors must hold for what exporters write, not for what a fake says.
#include "runtime/onnx_loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <fstream>

#include "base/worker_pool.h"
#include "runtime/signature.h"

namespace podium::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::filesystem::path kSource = PODIUM_SOURCE_DIR;

std::filesystem::path TestModel(const std::string& name) {
  return kSource / "tests/data/models" / (name + ".onnx");
}

template <typename T>
Tensor Make(std::string name, DataType type, Shape shape, const std::vector<T>& values) {
  Tensor tensor{std::move(name), type, std::move(shape), {}, {}};
  tensor.data.resize(values.size() * sizeof(T));
  if (!values.empty()) std::memcpy(tensor.data.data(), values.data(), tensor.data.size());
  return tensor;
}
Tensor Floats(std::string name, Shape shape, const std::vector<float>& values) {
  return Make(std::move(name), DataType::kFp32, std::move(shape), values);
}

template <typename T>
std::vector<T> ValuesOf(const Tensor& tensor) {
  return {tensor.As<T>(), tensor.As<T>() + tensor.data.size() / sizeof(T)};
}

class OnnxLoaderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto loader = OnnxLoader::Open(PODIUM_ORT_LIBRARY, clock_);
    ASSERT_TRUE(loader) << loader.error().message;
    loader_ = std::move(*loader);
  }
  ModelHandle MustLoad(const std::string& name, const std::string& declared = "") {
    auto model = loader_->Load(TestModel(name), declared);
    EXPECT_TRUE(model) << model.error().message;
    return model ? *model : nullptr;
  }
  std::string LoadError(const std::filesystem::path& file, const std::string& declared = "") {
    const auto model = loader_->Load(file, declared);
    EXPECT_FALSE(model);
    if (model) return "";
    EXPECT_EQ(model.error().code, ErrorCode::kUnprocessable);
    return model.error().message;
  }

  SystemClock clock_;
  std::shared_ptr<OnnxLoader> loader_;
};

TEST_F(OnnxLoaderTest, ReadsTheSignatureFromTheModel) {
  const ModelHandle model = MustLoad("two_outputs");
  ASSERT_TRUE(model);
  const Signature& signature = model->signature();
  ASSERT_EQ(signature.inputs.size(), 1U);
  EXPECT_EQ(signature.inputs[0].name, "x");
  EXPECT_EQ(signature.inputs[0].type, DataType::kFp32);
  EXPECT_EQ(signature.inputs[0].shape, (Shape{-1, 2}));
  ASSERT_EQ(signature.outputs.size(), 2U);
  EXPECT_EQ(signature.outputs[0].name, "sum");
  EXPECT_EQ(signature.outputs[0].shape, (Shape{-1, 1}));
  EXPECT_EQ(signature.outputs[1].name, "label");
  EXPECT_EQ(signature.outputs[1].type, DataType::kInt64);
  EXPECT_EQ(signature.outputs[1].shape, (Shape{-1}));
  EXPECT_TRUE(signature.columns.empty());
  EXPECT_GT(model->time_per_row().count(), 0);
}

TEST_F(OnnxLoaderTest, AnswersInTheOrderOfTheSignature) {
  const ModelHandle model = MustLoad("two_outputs");
  const Tensor input = Floats("x", {3, 2}, {1, 2, 5, 4, -1, 1});
  const auto outputs = model->Run({&input, 1});
  ASSERT_TRUE(outputs) << outputs.error().message;
  ASSERT_EQ(outputs->size(), 2U);
  EXPECT_EQ((*outputs)[0].shape, (Shape{3, 1}));
  EXPECT_THAT(ValuesOf<float>((*outputs)[0]), ElementsAre(3, 9, 0));
  EXPECT_EQ((*outputs)[1].name, "label");
  EXPECT_THAT(ValuesOf<std::int64_t>((*outputs)[1]), ElementsAre(1, 0, 1));
}

// A declaration may choose which output is the prediction and name the columns.
TEST_F(OnnxLoaderTest, ServesAsDeclared) {
  const ModelHandle model =
      MustLoad("two_outputs", R"({"outputs": [{"name": "label"}], "columns": ["left", "right"]})");
  ASSERT_TRUE(model);
  EXPECT_THAT(model->signature().columns, ElementsAre("left", "right"));
  const Tensor input = Floats("x", {1, 2}, {1, 2});
  const auto outputs = model->Run({&input, 1});
  ASSERT_TRUE(outputs) << outputs.error().message;
  ASSERT_EQ(outputs->size(), 1U);
  EXPECT_THAT(ValuesOf<std::int64_t>((*outputs)[0]), ElementsAre(1));
}

TEST_F(OnnxLoaderTest, RefusesADeclarationThatTheModelDoesNotKeep) {
  EXPECT_THAT(LoadError(TestModel("two_outputs"), R"({"columns": ["a", "b", "c"]})"),
              HasSubstr("names 3 columns, but input \"x\" has shape [-1, 2]"));
  EXPECT_THAT(LoadError(TestModel("two_outputs"), R"({"colums": []})"), HasSubstr("colums"));
  EXPECT_THAT(
      LoadError(TestModel("two_outputs"), R"({"inputs": [{"name": "x", "datatype": "FP64"}]})"),
      HasSubstr("declared as FP64, but the model has FP32"));
}

// The types by which rows come in; every one must pass unchanged, extremes included.
TEST_F(OnnxLoaderTest, CarriesEveryDatatype) {
  const ModelHandle model = MustLoad("all_types");
  ASSERT_TRUE(model);
  std::vector<Tensor> inputs;
  inputs.push_back(Make<std::uint8_t>("bool", DataType::kBool, {2, 1}, {0, 1}));
  inputs.push_back(Make<std::int8_t>("int8", DataType::kInt8, {2, 1}, {-128, 127}));
  inputs.push_back(Make<std::int16_t>("int16", DataType::kInt16, {2, 1}, {-32768, 32767}));
  inputs.push_back(Make<std::int32_t>("int32", DataType::kInt32, {2, 1}, {INT32_MIN, INT32_MAX}));
  inputs.push_back(Make<std::int64_t>("int64", DataType::kInt64, {2, 1}, {INT64_MIN, INT64_MAX}));
  inputs.push_back(Make<std::uint8_t>("uint8", DataType::kUint8, {2, 1}, {0, 255}));
  inputs.push_back(Make<std::uint16_t>("uint16", DataType::kUint16, {2, 1}, {0, 65535}));
  inputs.push_back(Make<std::uint32_t>("uint32", DataType::kUint32, {2, 1}, {0, UINT32_MAX}));
  inputs.push_back(Make<std::uint64_t>("uint64", DataType::kUint64, {2, 1}, {0, UINT64_MAX}));
  inputs.push_back(Floats("fp32", {2, 1}, {-0.1F, 3.4028235e38F}));
  inputs.push_back(Make<double>("fp64", DataType::kFp64, {2, 1}, {-0.1, 1.7976931348623157e308}));
  inputs.push_back({"bytes", DataType::kBytes, {2, 1}, {}, {"", std::string("a\0\xff", 3)}});

  const auto outputs = model->Run(inputs);
  ASSERT_TRUE(outputs) << outputs.error().message;
  ASSERT_EQ(outputs->size(), inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    SCOPED_TRACE(inputs[i].name);
    EXPECT_EQ((*outputs)[i].name, inputs[i].name + "_out");
    EXPECT_EQ((*outputs)[i].type, inputs[i].type);
    EXPECT_EQ((*outputs)[i].shape, inputs[i].shape);
    EXPECT_EQ((*outputs)[i].data, inputs[i].data);
    EXPECT_EQ((*outputs)[i].strings, inputs[i].strings);
  }
}

TEST_F(OnnxLoaderTest, TakesInputsInAnyOrder) {
  const ModelHandle model = MustLoad("multi_input");
  ASSERT_TRUE(model);
  std::vector<Tensor> inputs;
  inputs.push_back({"s", DataType::kBytes, {1, 1}, {}, {"text"}});
  inputs.push_back(Make<std::int64_t>("b", DataType::kInt64, {1, 1}, {7}));
  inputs.push_back(Floats("a", {1, 1}, {0.5F}));
  const auto outputs = model->Run(inputs);
  ASSERT_TRUE(outputs) << outputs.error().message;
  EXPECT_THAT(ValuesOf<float>((*outputs)[0]), ElementsAre(0.5F));
  EXPECT_THAT(ValuesOf<std::int64_t>((*outputs)[1]), ElementsAre(7));
  EXPECT_THAT((*outputs)[2].strings, ElementsAre("text"));
}

TEST_F(OnnxLoaderTest, RefusesWhatIsNotAServableModel) {
  EXPECT_FALSE(LoadError(TestModel("corrupt")).empty());
  EXPECT_FALSE(LoadError(TestModel("not_a_model")).empty());
  EXPECT_THAT(LoadError(TestModel("no_such_file")), HasSubstr("no_such_file"));
  EXPECT_THAT(LoadError(TestModel("fails_on_zeros")), HasSubstr("warm-up"));
}

TEST_F(OnnxLoaderTest, SaysWhichInputDoesNotFit) {
  const ModelHandle model = MustLoad("fixed_batch");
  const Tensor two_rows = Floats("x", {2, 2}, {1, 2, 3, 4});
  const auto refused = model->Run({&two_rows, 1});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(refused.error().message,
              HasSubstr("input \"x\" has shape [2, 2], but the model takes [1, 2]"));
}

TEST_F(OnnxLoaderTest, TurnsAFailingRunIntoAnErrorAndGoesOn) {
  const ModelHandle model = MustLoad("fails_above_two");
  const Tensor bad = Floats("x", {1, 1}, {3});
  const auto failed = model->Run({&bad, 1});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::kInternal);
  const Tensor good = Floats("x", {1, 1}, {1});
  const auto outputs = model->Run({&good, 1});
  ASSERT_TRUE(outputs) << outputs.error().message;
  EXPECT_THAT(ValuesOf<float>((*outputs)[0]), ElementsAre(20));
}

TEST_F(OnnxLoaderTest, AnswersNoRowsWithNoRows) {
  const ModelHandle model = MustLoad("identity_fp32");
  const Tensor none = Floats("x", {0, 3}, {});
  const auto outputs = model->Run({&none, 1});
  ASSERT_TRUE(outputs) << outputs.error().message;
  EXPECT_EQ((*outputs)[0].shape, (Shape{0, 3}));
  EXPECT_TRUE((*outputs)[0].data.empty());
}

// What is served must not depend on a file that an operator may clean up.
TEST_F(OnnxLoaderTest, ServesAfterItsFileAndItsLoaderAreGone) {
  const auto copy = std::filesystem::path(::testing::TempDir()) / "deleted_model.onnx";
  std::filesystem::copy_file(TestModel("identity_fp32"), copy,
                             std::filesystem::copy_options::overwrite_existing);
  auto model = loader_->Load(copy, "");
  ASSERT_TRUE(model) << model.error().message;
  std::filesystem::remove(copy);
  loader_.reset();
  const Tensor input = Floats("x", {1, 2}, {1.5F, -2});
  const auto outputs = (*model)->Run({&input, 1});
  ASSERT_TRUE(outputs) << outputs.error().message;
  EXPECT_THAT(ValuesOf<float>((*outputs)[0]), ElementsAre(1.5F, -2));
}

TEST_F(OnnxLoaderTest, AnswersSeveralThreadsAtOnce) {
  const ModelHandle model = MustLoad("identity_fp32");
  std::vector<int> right(4);
  WorkerPool callers("callers", 4, right.size());
  for (std::size_t t = 0; t < right.size(); ++t) {
    const Status queued = callers.Submit([&, t] {
      for (int i = 0; i < 200; ++i) {
        const float value = static_cast<float>(t) * 1000 + static_cast<float>(i);
        const Tensor input = Floats("x", {1, 1}, {value});
        const auto outputs = model->Run({&input, 1});
        if (outputs && ValuesOf<float>((*outputs)[0]) == std::vector{value}) ++right[t];
      }
    });
    ASSERT_TRUE(queued);
  }
  callers.Stop();
  EXPECT_THAT(right, ElementsAre(200, 200, 200, 200));
}

TEST_F(OnnxLoaderTest, LoadsTheExamplesWithTheirSignatures) {
  struct Case {
    const char* name;
    std::size_t columns;
  };
  const Case cases[] = {{"tumour-v1", 30}, {"tumour-v2", 30}, {"digits-v1", 64}, {"digits-v2", 64}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    std::ifstream file(kSource / "examples" / (std::string(c.name) + ".signature.json"));
    const std::string declared(std::istreambuf_iterator<char>(file), {});
    ASSERT_FALSE(declared.empty());
    const auto model =
        loader_->Load(kSource / "examples" / (std::string(c.name) + ".onnx"), declared);
    ASSERT_TRUE(model) << model.error().message;
    EXPECT_EQ((*model)->signature().columns.size(), c.columns);
    EXPECT_EQ((*model)->signature().outputs[0].name, "label");
  }
}

TEST(OnnxLibrary, SaysWhereItIsMissingAndWhatToDo) {
  const SystemClock clock;
  const auto missing = OnnxLoader::Open("/nonexistent/libonnxruntime.so", clock);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(missing.error().message, HasSubstr("/nonexistent/libonnxruntime.so"));
  EXPECT_THAT(missing.error().message, HasSubstr("./run --build"));

  const auto not_a_library = OnnxLoader::Open(TestModel("not_a_model"), clock);
  ASSERT_FALSE(not_a_library);
  EXPECT_THAT(not_a_library.error().message, HasSubstr("./run --build"));
}

TEST(OnnxLibrary, IsLookedForBesideTheBinary) {
  EXPECT_EQ(DefaultOrtLibrary().parent_path(),
            std::filesystem::read_symlink("/proc/self/exe").parent_path());
  EXPECT_EQ(DefaultOrtLibrary().filename(), std::filesystem::path(PODIUM_ORT_LIBRARY).filename());
}

}  // namespace
}  // namespace podium::runtime
