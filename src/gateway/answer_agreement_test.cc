#include "gateway/answer_agreement.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

namespace podium::gateway {
namespace {

template <typename T>
Tensor TensorOf(std::string name, DataType type, const std::vector<T>& values) {
  Tensor tensor;
  tensor.name = std::move(name);
  tensor.type = type;
  tensor.shape = {static_cast<std::int64_t>(values.size())};
  tensor.data.resize(values.size() * sizeof(T));
  std::memcpy(tensor.data.data(), values.data(), tensor.data.size());
  return tensor;
}

Tensor Floats(const std::vector<float>& values, std::string name = "y") {
  return TensorOf(std::move(name), DataType::kFp32, values);
}
Tensor Labels(const std::vector<std::int64_t>& values, std::string name = "label") {
  return TensorOf(std::move(name), DataType::kInt64, values);
}
Tensor Words(std::vector<std::string> words) {
  Tensor tensor;
  tensor.name = "label";
  tensor.type = DataType::kBytes;
  tensor.strings = std::move(words);
  return tensor;
}

// What people call agreement: the same label for classifiers, near enough for numbers. An answer
// that cannot be compared is neither.
TEST(Agree, IsAboutLabelsIfThereAreAnyElseAboutNumbers) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  struct Case {
    const char* name;
    std::vector<Tensor> champion;
    std::vector<Tensor> challenger;
    std::optional<bool> want;
  };
  const Case cases[] = {
      {"equal", {Floats({1, 2})}, {Floats({1, 2})}, true},
      {"at the tolerance", {Floats({200})}, {Floats({202})}, true},
      {"beyond it", {Floats({200})}, {Floats({202.5F})}, false},
      {"small numbers: of 1, not of themselves", {Floats({0.001F})}, {Floats({0.009F})}, true},
      {"one row of many", {Floats({1, 1, 1})}, {Floats({1, 1, 2})}, false},
      {"NaN agrees with NaN", {Floats({nan})}, {Floats({nan})}, true},
      {"and with nothing else", {Floats({nan})}, {Floats({0})}, false},
      {"other shape", {Floats({1, 2})}, {Floats({1})}, std::nullopt},
      {"a double here, a float there",
       {Floats({1})},
       {TensorOf<double>("y", DataType::kFp64, {1.001})},
       true},
      {"labels decide, whatever the scores",
       {Labels({1}), Floats({0.9F}, "score")},
       {Labels({1}), Floats({0.5F}, "score")},
       true},
      {"other label", {Labels({1})}, {Labels({2})}, false},
      {"by name, in any order",
       {Labels({1}), Floats({0.5F}, "score")},
       {Floats({0.5F}, "score"), Labels({1})},
       true},
      {"labels of another width",
       {Labels({1})},
       {TensorOf<std::int32_t>("label", DataType::kInt32, {1})},
       true},
      {"a label and a number", {Labels({1})}, {Floats({1}, "label")}, std::nullopt},
      {"words", {Words({"cat"})}, {Words({"cat"})}, true},
      {"other words", {Words({"cat"})}, {Words({"dog"})}, false},
      {"by place where names differ", {Floats({1}, "a")}, {Floats({1}, "b")}, true},
      {"an output is missing",
       {Floats({1}, "a"), Floats({1}, "b")},
       {Floats({1}, "a")},
       std::nullopt},
      {"nothing", {}, {}, std::nullopt},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(Agree(c.champion, c.challenger, 0.01), c.want);
  }
}

}  // namespace
}  // namespace podium::gateway
