// The number that is compared with the truth: of the right output, and of the right class.
#include "gateway/prediction_scores.h"

#include <gtest/gtest.h>

#include <cstring>

#include "domain/prediction.h"

namespace podium::gateway {
namespace {

template <typename T>
Tensor TensorOf(DataType type, Shape shape, const std::vector<T>& values) {
  Tensor tensor;
  tensor.type = type;
  tensor.shape = std::move(shape);
  tensor.data.resize(values.size() * sizeof(T));
  std::memcpy(tensor.data.data(), values.data(), tensor.data.size());
  return tensor;
}

Tensor Floats(Shape shape, const std::vector<float>& values) {
  return TensorOf(DataType::kFp32, std::move(shape), values);
}
Tensor Wholes(Shape shape, const std::vector<std::int64_t>& values) {
  return TensorOf(DataType::kInt64, std::move(shape), values);
}

TEST(PredictionScores, TheOutputThatHasANumberForEachRow) {
  struct Case {
    const char* name;
    std::vector<Tensor> outputs;
    std::size_t rows;
    std::vector<double> want;
  };
  Tensor words;
  words.type = DataType::kBytes;
  words.strings = {"a", "b"};
  const Case cases[] = {
      {"one for each row", {Floats({2, 1}, {0.25F, 0.5F})}, 2, {0.25, 0.5}},
      {"of two classes the second", {Floats({2, 2}, {0.75F, 0.25F, 0.5F, 0.5F})}, 2, {0.25, 0.5}},
      {"probabilities before labels",
       {Wholes({2}, {1, 0}), Floats({2, 2}, {0.25F, 0.75F, 0.875F, 0.125F})},
       2,
       {0.75, 0.125}},
      {"of many classes the label",
       {Wholes({1}, {7}), Floats({1, 3}, {0.25F, 0.25F, 0.5F})},
       1,
       {7}},
      {"doubles", {TensorOf<double>(DataType::kFp64, {1}, {0.1})}, 1, {0.1}},
      {"halves", {TensorOf<std::uint16_t>(DataType::kFp16, {1}, {0x3800})}, 1, {0.5}},
      {"a flag", {TensorOf<std::uint8_t>(DataType::kBool, {1}, {1})}, 1, {1}},
      {"text", {words}, 2, {}},
      {"other shapes", {Floats({1, 3}, {1, 2, 3})}, 1, {}},
      {"nothing", {}, 1, {}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(ScoresOf(c.outputs, c.rows), c.want);
  }
}

TEST(PredictionScores, OfTheFirstRowsOnly) {
  const std::size_t rows = limits::kPredictionScores + 1;
  const std::vector<double> scores =
      ScoresOf({Floats({static_cast<std::int64_t>(rows)}, std::vector<float>(rows, 1))}, rows);
  EXPECT_EQ(scores.size(), limits::kPredictionScores);
}

}  // namespace
}  // namespace podium::gateway
