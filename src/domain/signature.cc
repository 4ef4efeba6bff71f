#include "domain/signature.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/json.h"
#include "base/limits.h"

namespace podium {
namespace {

Result<std::string> ReadName(const Json& value, std::string_view what) {
  if (!value.is_string() || value.get_ref<const std::string&>().empty()) {
    return Fail(ErrorCode::kInvalidArgument, "{} must be a string that is not empty", what);
  }
  return value.get<std::string>();
}

Result<Shape> ReadShape(const Json& value) {
  Shape shape;
  for (const Json& dimension : value) {
    const bool fits = dimension.is_number_integer() && dimension.get<double>() < 1e15 &&
                      (dimension.get<std::int64_t>() == -1 || dimension.get<std::int64_t>() > 0);
    if (!fits) {
      return Fail(ErrorCode::kInvalidArgument,
                  "shape must hold whole numbers above 0, or -1 for an open dimension, not {}",
                  DumpJson(dimension));
    }
    shape.push_back(dimension.get<std::int64_t>());
  }
  return shape;
}

Result<DeclaredTensor> ReadTensor(const Json& value) {
  if (!value.is_object() || !value.contains("name")) {
    return Fail(ErrorCode::kInvalidArgument, "must be an object with a name");
  }
  DeclaredTensor tensor;
  for (const auto& [key, field] : value.items()) {
    if (key == "name") {
      PODIUM_TRY_ASSIGN(tensor.name, ReadName(field, "name"));
    } else if (key == "datatype") {
      if (field.is_string()) tensor.type = ParseDataType(field.get_ref<const std::string&>());
      if (!tensor.type) {
        return Fail(ErrorCode::kInvalidArgument,
                    "datatype {} is not known: FP32, INT64, BYTES, BOOL ...", DumpJson(field));
      }
    } else if (key == "shape") {
      if (!field.is_array()) return Fail(ErrorCode::kInvalidArgument, "shape must be an array");
      PODIUM_TRY_ASSIGN(tensor.shape, ReadShape(field));
    } else {
      return Fail(ErrorCode::kInvalidArgument, "unknown key \"{}\": name, datatype, shape", key);
    }
  }
  return tensor;
}

bool IsAmong(const std::vector<DeclaredTensor>& tensors, const std::string& name) {
  return std::any_of(tensors.begin(), tensors.end(),
                     [&](const DeclaredTensor& tensor) { return tensor.name == name; });
}

Result<std::vector<DeclaredTensor>> ReadTensors(const Json& value, std::string_view key) {
  if (!value.is_array() || value.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "signature: {} must be an array that is not empty",
                key);
  }
  std::vector<DeclaredTensor> tensors;
  for (std::size_t i = 0; i < value.size(); ++i) {
    auto tensor = ReadTensor(value[i]);
    if (!tensor) {
      return Fail(ErrorCode::kInvalidArgument, "signature: {}[{}]: {}", key, i,
                  tensor.error().message);
    }
    if (IsAmong(tensors, tensor->name)) {
      return Fail(ErrorCode::kInvalidArgument, "signature: {} names \"{}\" twice", key,
                  tensor->name);
    }
    tensors.push_back(std::move(*tensor));
  }
  return tensors;
}

Result<std::vector<std::string>> ReadNames(const Json& value, std::string_view key) {
  if (!value.is_array() || value.size() > limits::kMaxColumns) {
    return Fail(ErrorCode::kInvalidArgument, "signature: {} must be an array of at most {} names",
                key, limits::kMaxColumns);
  }
  std::vector<std::string> columns;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < value.size(); ++i) {
    PODIUM_TRY_ASSIGN(std::string name,
                      ReadName(value[i], fmt::format("signature: {}[{}]", key, i)));
    if (!seen.insert(name).second) {
      return Fail(ErrorCode::kInvalidArgument, "signature: {} names \"{}\" twice", key, name);
    }
    columns.push_back(std::move(name));
  }
  return columns;
}

DeclaredTensor Declare(const TensorSpec& spec) { return {spec.name, spec.type, spec.shape}; }

std::vector<DeclaredTensor> DeclareAll(const std::vector<TensorSpec>& specs) {
  std::vector<DeclaredTensor> tensors;
  tensors.reserve(specs.size());
  for (const TensorSpec& spec : specs) tensors.push_back(Declare(spec));
  return tensors;
}

}  // namespace

std::string FormatShape(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

Result<DeclaredSignature> ParseSignature(std::string_view json) {
  DeclaredSignature signature;
  if (json.empty()) return signature;
  PODIUM_TRY_ASSIGN(const Json root, ParseJson(json));
  if (!root.is_object()) {
    return Fail(ErrorCode::kInvalidArgument, "signature must be a JSON object");
  }
  for (const auto& [key, value] : root.items()) {
    if (key == "inputs") {
      PODIUM_TRY_ASSIGN(signature.inputs, ReadTensors(value, key));
    } else if (key == "outputs") {
      PODIUM_TRY_ASSIGN(signature.outputs, ReadTensors(value, key));
    } else if (key == "columns") {
      PODIUM_TRY_ASSIGN(signature.columns, ReadNames(value, key));
    } else if (key == "classes") {
      PODIUM_TRY_ASSIGN(signature.classes, ReadNames(value, key));
    } else {
      return Fail(ErrorCode::kInvalidArgument,
                  "signature has the unknown key \"{}\": inputs, outputs, columns, classes", key);
    }
  }
  return signature;
}

DeclaredSignature KnownSignature(std::string_view declared, const Signature* model) {
  DeclaredSignature known = ParseSignature(declared).value_or(DeclaredSignature{});
  if (model == nullptr) return known;
  known.inputs = DeclareAll(model->inputs);
  known.outputs = DeclareAll(model->outputs);
  if (!model->columns.empty()) known.columns = model->columns;
  return known;
}

}  // namespace podium
