#include "gateway/json_write.h"

#include <fmt/compile.h>
#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>
#include <type_traits>

#include "base/json.h"
#include "base/log.h"
#include "gateway/predict_cell.h"

namespace podium::gateway {
namespace {

template <typename Number>
void AppendNumber(Number value, std::string& out) {
  if constexpr (std::is_floating_point_v<Number>) {
    if (!std::isfinite(value)) {
      out += "null";
      return;
    }
    if (value == 0 && std::signbit(value)) {
      out += "-0.0";  // As "-0" it would read back as an integer, which has no such zero.
      return;
    }
  }
  // The shortest text that reads back as the same value of the same type.
  char buffer[32];
  const char* end = fmt::format_to(buffer, FMT_COMPILE("{}"), value);
  out.append(buffer, static_cast<std::size_t>(end - buffer));
}

template <typename T>
T At(const Tensor& tensor, std::size_t index) {
  T value{};
  std::memcpy(&value, tensor.data.data() + index * sizeof(T), sizeof(T));
  return value;
}

/// Printable ASCII that means itself, as nearly all names are.
bool IsPlain(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; });
}

}  // namespace

void AppendString(std::string_view text, std::string& out) {
  if (IsPlain(text)) {
    out.append(1, '"').append(text).append(1, '"');
    return;
  }
  // A model may answer with any bytes; an answer is UTF-8.
  if (!simdjson::validate_utf8(text.data(), text.size())) {
    out += DumpJson(Json(std::string(text)));
    return;
  }
  out += '"';
  out += EscapeJson(text);
  out += '"';
}

void AppendElement(const Tensor& tensor, std::size_t i, std::string& out) {
  switch (tensor.type) {
    case DataType::kBool:
      out += At<std::uint8_t>(tensor, i) != 0 ? "true" : "false";
      return;
    case DataType::kUint8:
      return AppendNumber<unsigned>(At<std::uint8_t>(tensor, i), out);
    case DataType::kUint16:
      return AppendNumber<unsigned>(At<std::uint16_t>(tensor, i), out);
    case DataType::kUint32:
      return AppendNumber(At<std::uint32_t>(tensor, i), out);
    case DataType::kUint64:
      return AppendNumber(At<std::uint64_t>(tensor, i), out);
    case DataType::kInt8:
      return AppendNumber<int>(At<std::int8_t>(tensor, i), out);
    case DataType::kInt16:
      return AppendNumber<int>(At<std::int16_t>(tensor, i), out);
    case DataType::kInt32:
      return AppendNumber(At<std::int32_t>(tensor, i), out);
    case DataType::kInt64:
      return AppendNumber(At<std::int64_t>(tensor, i), out);
    case DataType::kFp16:
    case DataType::kBf16:
      // Every 16-bit number is a float exactly.
      return AppendNumber(static_cast<float>(Widen(tensor.type, At<std::uint16_t>(tensor, i))),
                          out);
    case DataType::kFp32:
      return AppendNumber(At<float>(tensor, i), out);
    case DataType::kFp64:
      return AppendNumber(At<double>(tensor, i), out);
    case DataType::kBytes:
      return AppendString(tensor.strings[i], out);
  }
}

}  // namespace podium::gateway
