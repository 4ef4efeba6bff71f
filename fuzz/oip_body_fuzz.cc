// Any bytes as the body of an OIP v2 inference request: refused as the caller's mistake, or read to
// tensors that fit the signature, that hold what their shape says, and that come back the same when
// they are sent again as binary data.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/json.h"
#include "gateway/oip_codec.h"
#include "padded_body.h"

namespace {

using podium::DataType;
using podium::PaddedBody;
using podium::Signature;
using podium::Tensor;
using podium::TensorSpec;

constexpr std::size_t kMaxBody = 1 << 16;

/// Outputs are the inputs again, so that any tensor that was read can be answered with.
Signature Of(const std::vector<TensorSpec>& inputs) { return {inputs, inputs, {}}; }

/// The first byte of the input chooses one: '0' the first, and so on.
const std::vector<Signature>& Signatures() {
  static const std::vector<Signature> all = {
      Of({{"x", DataType::kFp32, {-1, 2}}}),
      Of({{"x", DataType::kInt64, {}}}),
      Of({{"x", DataType::kBytes, {-1}}}),
      Of({{"x", DataType::kFp16, {-1, -1}}}),
      Of({{"x", DataType::kBool, {2, 2}}}),
      Of({{"a", DataType::kUint64, {-1}},
          {"b", DataType::kFp64, {-1, 1}},
          {"s", DataType::kBytes, {-1, 1}}}),
  };
  return all;
}

/// The second byte chooses how the request comes: without header length, with that of the JSON as
/// the third and fourth byte say, raw, or compressed.
podium::net::RequestHead HeadOf(std::uint8_t way, std::string& length) {
  podium::net::RequestHead head;
  if (way % 4 == 1) head.headers.push_back({"Inference-Header-Content-Length", length});
  if (way % 4 == 2) head.headers.push_back({"Inference-Header-Content-Length", "0"});
  if (way % 4 == 3) head.headers.push_back({"Content-Encoding", way % 8 == 3 ? "gzip" : "deflate"});
  return head;
}

void CheckTensor(const Tensor& tensor, const TensorSpec& spec) {
  PODIUM_ASSERT(tensor.name == spec.name && tensor.type == spec.type);
  PODIUM_ASSERT(spec.shape.empty() || spec.shape.size() == tensor.shape.size());
  for (std::size_t i = 0; i < spec.shape.size(); ++i) {
    PODIUM_ASSERT(tensor.shape[i] > 0);
    PODIUM_ASSERT(spec.shape[i] == -1 || spec.shape[i] == tensor.shape[i]);
  }
  const auto count = podium::ElementCount(tensor.shape);
  PODIUM_ASSERT(count.has_value());
  const auto elements = static_cast<std::size_t>(*count);
  PODIUM_ASSERT(tensor.data.size() == elements * podium::WidthOf(tensor.type));
  PODIUM_ASSERT(tensor.strings.size() == (tensor.type == DataType::kBytes ? elements : 0));
}

/// A binary answer says where its bytes are: sent back as a request, they are the same tensors.
void CheckRoundTrip(const Signature& signature, const std::vector<Tensor>& tensors,
                    const podium::net::Response& response) {
  const auto length = response.headers.Find("Inference-Header-Content-Length");
  if (!length) return;
  const std::size_t json_bytes = std::stoul(std::string(*length));
  auto answer = podium::ParseJson(std::string_view(response.body).substr(0, json_bytes));
  PODIUM_ASSERT(answer.has_value());
  if ((*answer)["outputs"].size() != tensors.size()) return;
  podium::Json request;
  request["inputs"] = (*answer)["outputs"];
  for (const auto& input : request["inputs"]) {
    if (input.contains("data")) return;  // NaN has become null.
  }
  const std::string text = podium::DumpJson(request);
  std::string header = std::to_string(text.size());
  const PaddedBody body(text + response.body.substr(json_bytes));
  const podium::net::RequestHead head = HeadOf(1, header);
  podium::gateway::OipWorkspace workspace;
  podium::gateway::OipCodec codec(workspace, head, 16 * kMaxBody);
  PODIUM_ASSERT(codec.Parse(body.view()).has_value());
  const auto again = codec.Read(signature);
  PODIUM_ASSERT(again.has_value());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    PODIUM_ASSERT(again->tensors[i].shape == tensors[i].shape);
    PODIUM_ASSERT(again->tensors[i].data == tensors[i].data);
    PODIUM_ASSERT(again->tensors[i].strings == tensors[i].strings);
  }
}

bool IsCallersMistake(const podium::Error& error) {
  const int status = podium::TraitsOf(error.code).http_status;
  return (status / 100 == 4 || status == 501) && !error.message.empty();
}

void Decode(const Signature& signature, const podium::net::RequestHead& head,
            std::string_view text) {
  static podium::gateway::OipWorkspace workspace;  // One for all, as a core has.
  const PaddedBody body(text);
  podium::gateway::OipCodec codec(workspace, head, kMaxBody);
  const auto ids = codec.Parse(body.view());
  if (!ids) {
    PODIUM_ASSERT(IsCallersMistake(ids.error()));
    return;
  }
  const auto inputs = codec.Read(signature);
  if (!inputs) {
    PODIUM_ASSERT(inputs.error().code == podium::ErrorCode::kInvalidArgument);
    return;
  }
  PODIUM_ASSERT(inputs->rows >= 1 && inputs->tensors.size() == signature.inputs.size());
  for (std::size_t i = 0; i < inputs->tensors.size(); ++i) {
    CheckTensor(inputs->tensors[i], signature.inputs[i]);
  }
  podium::ModelVersion served;
  served.version = "v";
  podium::net::Response response;
  codec.WriteAnswer({inputs->tensors, inputs->rows, "m", served}, response);
  CheckRoundTrip(signature, inputs->tensors, response);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  const auto digit = [&](std::size_t i) -> std::size_t {
    return data[i] >= '0' ? data[i] - std::size_t{'0'} : data[i];
  };
  std::string length = std::to_string(digit(2) * 64 + digit(3));
  const podium::net::RequestHead head = HeadOf(static_cast<std::uint8_t>(digit(1)), length);
  const auto& signatures = Signatures();
  Decode(signatures[digit(0) % signatures.size()], head,
         {reinterpret_cast<const char*>(data) + 4, size - 4});
  return 0;
}
