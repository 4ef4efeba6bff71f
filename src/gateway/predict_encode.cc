// The answer's half of predict_codec.h: written straight into the response, without a JSON tree.
#include <fmt/compile.h>
#include <simdjson.h>

#include <cmath>
#include <cstring>
#include <iterator>
#include <span>

#include "base/assert.h"
#include "base/json.h"
#include "base/log.h"
#include "gateway/predict_cell.h"
#include "gateway/predict_codec.h"

namespace podium::gateway {
namespace {

void AppendString(std::string_view text, std::string& out) {
  // A model may answer with any bytes; an answer is UTF-8.
  if (!simdjson::validate_utf8(text.data(), text.size())) {
    out += DumpJson(Json(std::string(text)));
    return;
  }
  out += '"';
  out += EscapeJson(text);
  out += '"';
}

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

/// Nested arrays of `shape`, starting at element `at`; returns the element behind them.
std::size_t AppendNested(const Tensor& tensor, std::span<const std::int64_t> shape, std::size_t at,
                         std::string& out) {
  if (shape.empty()) {
    AppendElement(tensor, at, out);
    return at + 1;
  }
  out += '[';
  for (std::int64_t i = 0; i < shape.front(); ++i) {
    if (i > 0) out += ',';
    at = AppendNested(tensor, shape.subspan(1), at, out);
  }
  out += ']';
  return at;
}

/// One entry per row where the first dimension counts rows; a column of width one is a list of
/// values. Anything else, such as one summary over all rows, is written as it is.
void AppendTensor(const Tensor& tensor, std::size_t rows, std::string& out) {
  std::span<const std::int64_t> shape(tensor.shape);
  const bool by_row = !shape.empty() && shape.front() == static_cast<std::int64_t>(rows);
  if (by_row && shape.size() == 2 && shape[1] == 1) shape = shape.first(1);
  AppendNested(tensor, shape, 0, out);
}

}  // namespace

void EncodePredictions(const std::vector<Tensor>& outputs, std::size_t rows, std::string_view model,
                       std::string_view version, std::string& out) {
  PODIUM_ASSERT(!outputs.empty());
  out += "{\"predictions\":";
  AppendTensor(outputs.front(), rows, out);
  if (outputs.size() > 1) {
    out += ",\"outputs\":{";
    for (std::size_t i = 1; i < outputs.size(); ++i) {
      if (i > 1) out += ',';
      AppendString(outputs[i].name, out);
      out += ':';
      AppendTensor(outputs[i], rows, out);
    }
    out += '}';
  }
  out += ",\"model\":";
  AppendString(model, out);
  out += ",\"version\":";
  AppendString(version, out);
  out += '}';
}

}  // namespace podium::gateway
