#include "gateway/oip_codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "base/log.h"
#include "gateway/json_write.h"
#include "gateway/oip_tensor.h"
#include "net/content_coding.h"
#include "runtime/signature.h"

namespace podium::gateway {
namespace {

using runtime::FindByName;
using runtime::NamesOf;

constexpr std::string_view kJsonBytesHeader = "inference-header-content-length";

/// Type and shape against what the model takes, before any data are looked at.
Status CheckFits(const TensorSpec& want, const OipInput& got) {
  if (got.type != want.type) {
    return Fail(ErrorCode::kInvalidArgument, "input \"{}\" is sent as {}, but the model takes {}",
                want.name, NameOf(got.type), NameOf(want.type));
  }
  if (runtime::ShapeFits(want.shape, got.shape)) return {};
  return Fail(ErrorCode::kInvalidArgument, "input \"{}\" has shape {}, but the model takes {}",
              want.name, runtime::FormatShape(got.shape), runtime::FormatShape(want.shape));
}

Status CheckNoOthers(const Signature& signature, const std::vector<OipInput>& inputs) {
  if (inputs.size() == signature.inputs.size()) return {};
  for (const OipInput& input : inputs) {
    if (FindByName(signature.inputs, input.name) != signature.inputs.end()) continue;
    return Fail(ErrorCode::kInvalidArgument, "there is no input \"{}\": the model takes {}",
                input.name, NamesOf(signature.inputs));
  }
  return {};
}

Result<std::vector<Tensor>> ReadInputs(const OipRequest& request, const Signature& signature,
                                       std::size_t body_bytes) {
  std::vector<Tensor> tensors;
  tensors.reserve(signature.inputs.size());
  if (request.raw) {
    PODIUM_TRY_ASSIGN(Tensor tensor, TensorOfRaw(signature, *request.raw));
    tensors.push_back(std::move(tensor));
    return tensors;
  }
  for (const TensorSpec& want : signature.inputs) {
    const auto got = FindByName(request.inputs, want.name);
    if (got == request.inputs.end()) {
      return Fail(ErrorCode::kInvalidArgument, "the input \"{}\" is missing: the model takes {}",
                  want.name, NamesOf(signature.inputs));
    }
    PODIUM_TRY(CheckFits(want, *got));
  }
  PODIUM_TRY(CheckNoOthers(signature, request.inputs));
  for (const TensorSpec& want : signature.inputs) {
    PODIUM_TRY_ASSIGN(Tensor tensor, TensorOf(*FindByName(request.inputs, want.name), body_bytes));
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

/// What a run is measured by, as by a table's rows: the longest first dimension.
std::size_t RowsOf(const std::vector<Tensor>& tensors) {
  std::int64_t rows = 1;
  for (const Tensor& tensor : tensors) {
    if (!tensor.shape.empty()) rows = std::max(rows, tensor.shape.front());
  }
  return static_cast<std::size_t>(rows);
}

/// The limit of /predict, for what the caller decides: a model that wants more rows gets them.
Status CheckRows(const Signature& signature, const std::vector<Tensor>& tensors) {
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Shape& wanted = signature.inputs[i].shape;
    const Shape& given = tensors[i].shape;
    const bool open = wanted.empty() || wanted.front() == -1;
    if (!open || given.empty() || std::cmp_less_equal(given.front(), limits::kMaxPredictRows)) {
      continue;
    }
    return Fail(ErrorCode::kTooLarge,
                "input \"{}\" has shape {}: at most {} rows (the first dimension) fit one request: "
                "send several",
                tensors[i].name, runtime::FormatShape(given), limits::kMaxPredictRows);
  }
  return {};
}

void AppendData(const Tensor& tensor, std::string& out) {
  const std::size_t width = WidthOf(tensor.type);
  const std::size_t count = width == 0 ? tensor.strings.size() : tensor.data.size() / width;
  out += ",\"data\":[";
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) out += ',';
    AppendElement(tensor, i, out);
  }
  out += ']';
}

/// One entry of "outputs"; what is wanted as binary goes to `binary`.
void AppendOutput(const Tensor& tensor, bool as_binary, std::string& out, std::string& binary) {
  out += "{\"name\":";
  AppendString(tensor.name, out);
  fmt::format_to(std::back_inserter(out), ",\"datatype\":\"{}\",\"shape\":[{}]",
                 NameOf(tensor.type), fmt::join(tensor.shape, ","));
  if (as_binary) {
    const std::size_t bytes = AppendBinary(tensor, binary);
    fmt::format_to(std::back_inserter(out), ",\"parameters\":{{\"binary_data_size\":{}}}", bytes);
  } else {
    AppendData(tensor, out);
  }
  out += '}';
}

}  // namespace

void WriteOipError(const Error& error, net::Response& response) {
  response = {};
  response.status = TraitsOf(error.code).http_status;
  const std::string where = error.where.empty() ? "" : fmt::format(" (at {})", error.where);
  response.body = fmt::format("{{\"error\":\"{}\"}}\n", EscapeJson(error.message + where));
}

Result<std::string_view> OipCodec::Unpacked(std::string_view body) {
  PODIUM_TRY_ASSIGN(
      const net::ContentCoding coding,
      net::ContentCodingFrom(head_.Find("content-encoding").value_or(std::string_view())));
  if (coding == net::ContentCoding::kIdentity) return body;
  net::ByteBuffer& unpacked = workspace_.unpacked;
  if (unpacked.capacity() > limits::kKeptBodyCapacity) unpacked.Release();
  PODIUM_TRY(net::Unpack(coding, body, max_body_bytes_, unpacked));
  return unpacked.view();
}

Result<BodyIds> OipCodec::Parse(std::string_view body) {
  PODIUM_TRY_ASSIGN(const std::string_view whole, Unpacked(body));
  PODIUM_TRY_ASSIGN(request_, ReadOipRequest(workspace_.json, whole, head_.Find(kJsonBytesHeader)));
  body_bytes_ = whole.size();
  has_id_ = request_.id.has_value();
  id_ = request_.id.value_or(std::string_view());
  return BodyIds{request_.session_id, id_};
}

Status OipCodec::SelectOutputs(const Signature& signature) {
  outputs_.clear();
  if (request_.outputs.empty()) {
    for (std::size_t i = 0; i < signature.outputs.size(); ++i) {
      outputs_.push_back({i, request_.binary});
    }
  }
  for (const OipOutput& wanted : request_.outputs) {
    const auto found = FindByName(signature.outputs, wanted.name);
    if (found == signature.outputs.end()) {
      return Fail(ErrorCode::kInvalidArgument, "there is no output \"{}\": the model gives {}",
                  wanted.name, NamesOf(signature.outputs));
    }
    outputs_.push_back(
        {static_cast<std::size_t>(found - signature.outputs.begin()), wanted.binary});
  }
  return {};
}

Result<CallInputs> OipCodec::Read(const Signature& signature) {
  PODIUM_TRY(SelectOutputs(signature));
  PODIUM_TRY_ASSIGN(std::vector<Tensor> tensors, ReadInputs(request_, signature, body_bytes_));
  PODIUM_TRY(CheckRows(signature, tensors));
  const std::size_t rows = RowsOf(tensors);
  return CallInputs{std::move(tensors), rows};
}

void OipCodec::WriteAnswer(const CallAnswer& answer, net::Response& response) const {
  std::string& out = response.body;
  std::string binary;
  out += "{\"model_name\":";
  AppendString(answer.route, out);
  out += ",\"model_version\":";
  AppendString(answer.served.version, out);
  if (has_id_) {
    out += ",\"id\":";
    AppendString(id_, out);
  }
  out += ",\"outputs\":[";
  for (const Selected& selected : outputs_) {
    if (&selected != &outputs_.front()) out += ',';
    AppendOutput(answer.outputs[selected.index], selected.binary, out, binary);
  }
  out += "]}";
  const bool any_binary = std::any_of(outputs_.begin(), outputs_.end(),
                                      [](const Selected& selected) { return selected.binary; });
  if (!any_binary) {
    out += '\n';
    return;
  }
  response.content_type = "application/octet-stream";
  response.headers.Add(kJsonBytesHeader, static_cast<std::int64_t>(out.size()));
  out += binary;
}

void OipCodec::WriteError(const Error& error, std::string_view, net::Response& response) const {
  WriteOipError(error, response);
}

}  // namespace podium::gateway
