// The answer's half of predict_codec.h: written straight into the response, without a JSON tree.
#include <span>

#include "base/assert.h"
#include "gateway/json_write.h"
#include "gateway/predict_codec.h"

namespace podium::gateway {
namespace {

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
