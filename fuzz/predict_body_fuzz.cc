// Any bytes as the body of /predict: refused with a place and a reason, or decoded to tensors that
// fit the signature and that come back the same after being written and read again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/json.h"
#include "base/limits.h"
#include "gateway/predict_codec.h"
#include "padded_body.h"

namespace {

using podium::DataType;
using podium::PaddedBody;
using podium::Shape;
using podium::Signature;
using podium::Tensor;
using podium::TensorSpec;

Signature Of(std::vector<TensorSpec> inputs, std::vector<std::string> columns = {}) {
  return {std::move(inputs), {}, std::move(columns)};
}

/// The first byte of the input chooses one: '0' the first, and so on.
const std::vector<Signature>& Signatures() {
  static const std::vector<Signature> all = {
      Of({{"x", DataType::kFp32, {-1, 2}}}, {"a", "b"}),
      Of({{"x", DataType::kFp64, {-1, -1}}}),
      Of({{"x", DataType::kInt64, {-1, 3}}}, {"a", "b", "c/~"}),
      Of({{"x", DataType::kUint64, {-1, -1}}}),
      Of({{"x", DataType::kBytes, {-1, 2}}}),
      Of({{"x", DataType::kFp16, {-1, 2}}}),
      Of({{"x", DataType::kBf16, {-1, -1, 2}}}),
      Of({{"x", DataType::kInt8, {2, 2}}}),
      Of({{"x", DataType::kFp32, {}}}),
      Of({{"a", DataType::kBool, {-1}},
          {"b", DataType::kFp32, {-1, 1}},
          {"c", DataType::kUint8, {-1, 2}},
          {"s", DataType::kBytes, {-1, 1}}}),
  };
  return all;
}

void CheckTensor(const Tensor& tensor, const TensorSpec& spec, std::size_t rows) {
  PODIUM_ASSERT(tensor.name == spec.name && tensor.type == spec.type);
  PODIUM_ASSERT(!tensor.shape.empty() && tensor.shape.front() == static_cast<std::int64_t>(rows));
  PODIUM_ASSERT(spec.shape.empty() || spec.shape.size() == tensor.shape.size());
  for (std::size_t i = 0; i < spec.shape.size(); ++i) {
    PODIUM_ASSERT(spec.shape[i] == -1 || spec.shape[i] == tensor.shape[i]);
  }
  const auto count = podium::ElementCount(tensor.shape);
  PODIUM_ASSERT(count.has_value());
  const auto elements = static_cast<std::size_t>(*count);
  PODIUM_ASSERT(tensor.data.size() == elements * podium::WidthOf(tensor.type));
  PODIUM_ASSERT(tensor.strings.size() == (tensor.type == DataType::kBytes ? elements : 0));
}

/// Written as predictions and sent as rows, a table must not change.
void CheckRoundTrip(const Tensor& tensor, const Signature& signature, const std::string& answer) {
  constexpr std::string_view kBefore = "{\"predictions\":";
  const std::size_t end = answer.rfind(",\"model\":\"m\"");
  PODIUM_ASSERT(end != std::string::npos);
  const std::string rows = answer.substr(kBefore.size(), end - kBefore.size());
  podium::gateway::PredictDecoder decoder;
  const PaddedBody body("{\"rows\":" + rows + "}");
  const auto ids = decoder.Parse(body.view());
  PODIUM_ASSERT(ids.has_value());
  const auto again = decoder.ToTensors(signature);
  PODIUM_ASSERT(again.has_value());
  PODIUM_ASSERT(again->front().shape == tensor.shape);
  PODIUM_ASSERT(again->front().data == tensor.data);
  PODIUM_ASSERT(again->front().strings == tensor.strings);
}

void Decode(const Signature& signature, std::string_view text) {
  static podium::gateway::PredictDecoder decoder;  // One for all, as a core has.
  const PaddedBody body(text);
  const auto ids = decoder.Parse(body.view());
  if (!ids) {
    PODIUM_ASSERT(podium::TraitsOf(ids.error().code).http_status / 100 == 4);
    PODIUM_ASSERT(!ids.error().message.empty());
    return;
  }
  PODIUM_ASSERT(decoder.rows() >= 1 && decoder.rows() <= podium::limits::kMaxPredictRows);
  const auto tensors = decoder.ToTensors(signature);
  if (!tensors) {
    PODIUM_ASSERT(tensors.error().code == podium::ErrorCode::kInvalidArgument);
    PODIUM_ASSERT(tensors.error().where.starts_with("/rows"));
    return;
  }
  PODIUM_ASSERT(tensors->size() == signature.inputs.size());
  for (std::size_t i = 0; i < tensors->size(); ++i) {
    CheckTensor((*tensors)[i], signature.inputs[i], decoder.rows());
  }
  std::string answer;
  podium::gateway::EncodePredictions(*tensors, decoder.rows(), "m", "v", answer);
  PODIUM_ASSERT(podium::ParseJson(answer).has_value());
  const Shape& shape = tensors->front().shape;
  const bool squeezed = shape.size() == 2 && shape[1] == 1;  // Rows would no longer be arrays.
  if (tensors->size() == 1 && !squeezed) CheckRoundTrip(tensors->front(), signature, answer);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t chosen = data[0] >= '0' ? data[0] - std::size_t{'0'} : data[0];
  const auto& signatures = Signatures();
  Decode(signatures[chosen % signatures.size()],
         {reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}
