#include "domain/tensor.h"

#include <array>

namespace podium {
namespace {

struct Row {
  std::string_view name;
  std::size_t width;
};
constexpr std::array<Row, kDataTypeCount> kTypes = {{
    {"BOOL", 1},
    {"UINT8", 1},
    {"UINT16", 2},
    {"UINT32", 4},
    {"UINT64", 8},
    {"INT8", 1},
    {"INT16", 2},
    {"INT32", 4},
    {"INT64", 8},
    {"FP16", 2},
    {"BF16", 2},
    {"FP32", 4},
    {"FP64", 8},
    {"BYTES", 0},
}};

}  // namespace

std::string_view NameOf(DataType type) { return kTypes[static_cast<std::size_t>(type)].name; }

std::optional<DataType> ParseDataType(std::string_view name) {
  for (std::size_t i = 0; i < kTypes.size(); ++i) {
    if (kTypes[i].name == name) return static_cast<DataType>(i);
  }
  return std::nullopt;
}

std::size_t WidthOf(DataType type) { return kTypes[static_cast<std::size_t>(type)].width; }

std::optional<std::int64_t> ElementCount(const Shape& shape) {
  std::int64_t count = 1;
  for (const std::int64_t dimension : shape) {
    if (dimension < 0 || __builtin_mul_overflow(count, dimension, &count)) return std::nullopt;
  }
  return count;
}

}  // namespace podium
