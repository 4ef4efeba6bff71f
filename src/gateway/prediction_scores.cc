#include "gateway/prediction_scores.h"

#include <algorithm>

#include "domain/prediction.h"
#include "gateway/predict_cell.h"

namespace podium::gateway {
namespace {

constexpr std::size_t kTwoClasses = 2;

template <typename T>
std::vector<double> Picked(const Tensor& tensor, std::size_t rows, std::size_t stride) {
  std::vector<double> scores;
  const T* values = tensor.As<T>();
  for (std::size_t row = 0; row < rows; ++row) {
    scores.push_back(static_cast<double>(values[(row + 1) * stride - 1]));
  }
  return scores;
}

std::vector<double> Narrow(const Tensor& tensor, std::size_t rows, std::size_t stride) {
  std::vector<double> scores;
  const auto* values = tensor.As<std::uint16_t>();
  for (std::size_t row = 0; row < rows; ++row) {
    scores.push_back(Widen(tensor.type, values[(row + 1) * stride - 1]));
  }
  return scores;
}

std::vector<double> FloatScores(const Tensor& tensor, std::size_t rows, std::size_t stride) {
  switch (tensor.type) {
    case DataType::kFp64:
      return Picked<double>(tensor, rows, stride);
    case DataType::kFp32:
      return Picked<float>(tensor, rows, stride);
    case DataType::kFp16:
    case DataType::kBf16:
      return Narrow(tensor, rows, stride);
    default:
      return {};
  }
}

std::vector<double> WholeScores(const Tensor& tensor, std::size_t rows) {
  switch (tensor.type) {
    case DataType::kBool:
    case DataType::kUint8:
      return Picked<std::uint8_t>(tensor, rows, 1);
    case DataType::kUint16:
      return Picked<std::uint16_t>(tensor, rows, 1);
    case DataType::kUint32:
      return Picked<std::uint32_t>(tensor, rows, 1);
    case DataType::kUint64:
      return Picked<std::uint64_t>(tensor, rows, 1);
    case DataType::kInt8:
      return Picked<std::int8_t>(tensor, rows, 1);
    case DataType::kInt16:
      return Picked<std::int16_t>(tensor, rows, 1);
    case DataType::kInt32:
      return Picked<std::int32_t>(tensor, rows, 1);
    case DataType::kInt64:
      return Picked<std::int64_t>(tensor, rows, 1);
    default:
      return {};
  }
}

}  // namespace

std::vector<double> ScoresOf(const std::vector<Tensor>& outputs, std::size_t rows) {
  const std::size_t kept = std::min(rows, limits::kPredictionScores);
  const auto elements = [](const Tensor& tensor) {
    const std::size_t width = WidthOf(tensor.type);
    return width == 0 ? 0 : tensor.data.size() / width;
  };
  for (const Tensor& tensor : outputs) {
    for (const std::size_t stride : {std::size_t{1}, kTwoClasses}) {
      if (elements(tensor) != rows * stride) continue;
      std::vector<double> scores = FloatScores(tensor, kept, stride);
      if (!scores.empty()) return scores;
    }
  }
  for (const Tensor& tensor : outputs) {
    if (elements(tensor) != rows) continue;
    std::vector<double> scores = WholeScores(tensor, kept);
    if (!scores.empty()) return scores;
  }
  return {};
}

}  // namespace podium::gateway
