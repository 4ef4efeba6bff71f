// Tensors as they pass between protocols and models. Names follow the Open Inference Protocol.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace podium {

enum class DataType : std::uint8_t {
  kBool,
  kUint8,
  kUint16,
  kUint32,
  kUint64,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kFp16,
  kBf16,
  kFp32,
  kFp64,
  kBytes,
};
inline constexpr int kDataTypeCount = static_cast<int>(DataType::kBytes) + 1;

std::string_view NameOf(DataType type);  ///< "FP32"
std::optional<DataType> ParseDataType(std::string_view name);
/// Bytes per element; 0 for kBytes, whose elements have lengths of their own.
std::size_t WidthOf(DataType type);

/// -1 is a variable dimension in a signature and never occurs in a tensor.
using Shape = std::vector<std::int64_t>;

/// Product of the dimensions; nullopt when one is negative or the product overflows.
std::optional<std::int64_t> ElementCount(const Shape& shape);

/// Dense, row-major, little-endian.
struct Tensor {
  std::string name;
  DataType type = DataType::kFp32;
  Shape shape;
  std::vector<std::byte> data;       ///< Elements of every type but kBytes.
  std::vector<std::string> strings;  ///< Elements of kBytes.

  template <typename T>
  const T* As() const {
    return reinterpret_cast<const T*>(data.data());
  }
  template <typename T>
  T* As() {
    return reinterpret_cast<T*>(data.data());
  }
};

struct TensorSpec {
  std::string name;
  DataType type = DataType::kFp32;
  Shape shape;
};

/// What a model takes and gives. `columns` names the columns of a single two-dimensional input.
struct Signature {
  std::vector<TensorSpec> inputs;
  std::vector<TensorSpec> outputs;
  std::vector<std::string> columns;
};

}  // namespace podium
