#include "gateway/answer_agreement.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string_view>

namespace podium::gateway {
namespace {

bool IsLabel(DataType type) {
  switch (type) {
    case DataType::kFp16:
    case DataType::kBf16:
    case DataType::kFp32:
    case DataType::kFp64:
      return false;
    default:
      return true;
  }
}

const Tensor* CounterpartOf(const std::vector<Tensor>& champion, std::size_t place,
                            const std::vector<Tensor>& challenger) {
  for (const Tensor& tensor : challenger) {
    if (tensor.name == champion[place].name) return &tensor;
  }
  return place < challenger.size() ? &challenger[place] : nullptr;
}

// A label may be an INT64 here and an INT32 there.
std::optional<std::int64_t> WholeAt(const Tensor& tensor, std::size_t i) {
  switch (tensor.type) {
    case DataType::kBool:
    case DataType::kUint8:
      return tensor.As<std::uint8_t>()[i];
    case DataType::kInt8:
      return tensor.As<std::int8_t>()[i];
    case DataType::kUint16:
      return tensor.As<std::uint16_t>()[i];
    case DataType::kInt16:
      return tensor.As<std::int16_t>()[i];
    case DataType::kUint32:
      return tensor.As<std::uint32_t>()[i];
    case DataType::kInt32:
      return tensor.As<std::int32_t>()[i];
    case DataType::kUint64:
      return static_cast<std::int64_t>(tensor.As<std::uint64_t>()[i]);
    case DataType::kInt64:
      return tensor.As<std::int64_t>()[i];
    default:
      return std::nullopt;
  }
}

std::optional<double> NumberAt(const Tensor& tensor, std::size_t i) {
  if (tensor.type == DataType::kFp32) return static_cast<double>(tensor.As<float>()[i]);
  if (tensor.type == DataType::kFp64) return tensor.As<double>()[i];
  return std::nullopt;
}

bool Near(double champion, double challenger, double tolerance) {
  if (std::isnan(champion) || std::isnan(challenger)) {
    return std::isnan(champion) && std::isnan(challenger);
  }
  if (champion == challenger) return true;  // Infinities, which differ by NaN.
  return std::abs(champion - challenger) <= tolerance * std::max(1.0, std::abs(champion));
}

std::size_t ElementsOf(const Tensor& tensor) {
  if (tensor.type == DataType::kBytes) return tensor.strings.size();
  return tensor.data.size() / WidthOf(tensor.type);
}

std::optional<bool> AgreeOn(const Tensor& champion, const Tensor& challenger, double tolerance) {
  const std::size_t count = ElementsOf(champion);
  if (count != ElementsOf(challenger)) return std::nullopt;
  if (champion.type == DataType::kBytes || challenger.type == DataType::kBytes) {
    if (champion.type != challenger.type) return std::nullopt;
    return champion.strings == challenger.strings;
  }
  if (IsLabel(champion.type) != IsLabel(challenger.type)) return std::nullopt;
  for (std::size_t i = 0; i < count; ++i) {
    if (IsLabel(champion.type)) {
      if (WholeAt(champion, i) != WholeAt(challenger, i)) return false;
      continue;
    }
    const std::optional<double> one = NumberAt(champion, i);
    const std::optional<double> other = NumberAt(challenger, i);
    // Half precision: the same bits, or nothing that can be said.
    if (!one || !other) {
      if (champion.type != challenger.type) return std::nullopt;
      return champion.data == challenger.data;
    }
    if (!Near(*one, *other, tolerance)) return false;
  }
  return true;
}

}  // namespace

std::size_t SizeOf(const std::vector<Tensor>& tensors) {
  std::size_t bytes = 0;
  for (const Tensor& tensor : tensors) {
    bytes += tensor.data.size();
    for (const std::string& text : tensor.strings) bytes += text.size() + sizeof(std::string);
  }
  return bytes;
}

std::optional<bool> Agree(const std::vector<Tensor>& champion,
                          const std::vector<Tensor>& challenger, double tolerance) {
  const bool has_labels = std::any_of(champion.begin(), champion.end(),
                                      [](const Tensor& tensor) { return IsLabel(tensor.type); });
  std::optional<bool> all;
  for (std::size_t i = 0; i < champion.size(); ++i) {
    if (has_labels && !IsLabel(champion[i].type)) continue;
    const Tensor* counterpart = CounterpartOf(champion, i, challenger);
    if (counterpart == nullptr) return std::nullopt;
    const std::optional<bool> same = AgreeOn(champion[i], *counterpart, tolerance);
    if (!same) return std::nullopt;
    all = all.value_or(true) && *same;
  }
  return all;
}

}  // namespace podium::gateway
