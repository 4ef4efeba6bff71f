#include "runtime/signature.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/json.h"
#include "base/limits.h"
#include "runtime/harm_limits.h"

namespace podium::runtime {
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
    if (FindByName(tensors, tensor->name) != tensors.end()) {
      return Fail(ErrorCode::kInvalidArgument, "signature: {} names \"{}\" twice", key,
                  tensor->name);
    }
    tensors.push_back(std::move(*tensor));
  }
  return tensors;
}

Result<std::vector<std::string>> ReadColumns(const Json& value) {
  if (!value.is_array() || value.size() > limits::kMaxColumns) {
    return Fail(ErrorCode::kInvalidArgument,
                "signature: columns must be an array of at most {} names", limits::kMaxColumns);
  }
  std::vector<std::string> columns;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < value.size(); ++i) {
    PODIUM_TRY_ASSIGN(std::string name,
                      ReadName(value[i], fmt::format("signature: columns[{}]", i)));
    if (!seen.insert(name).second) {
      return Fail(ErrorCode::kInvalidArgument, "signature: columns names \"{}\" twice", name);
    }
    columns.push_back(std::move(name));
  }
  return columns;
}

/// Closes the open dimensions of `spec` as declared.
Status Refine(TensorSpec& spec, const DeclaredTensor& declared, std::string_view kind) {
  if (declared.type && *declared.type != spec.type) {
    return Fail(ErrorCode::kUnprocessable,
                "{} \"{}\" is declared as {}, but the model has {}: correct the signature", kind,
                spec.name, NameOf(*declared.type), NameOf(spec.type));
  }
  if (!declared.shape) return {};
  if (!ShapeFits(spec.shape, *declared.shape)) {
    return Fail(ErrorCode::kUnprocessable,
                "{} \"{}\" is declared with shape {}, but the model has {}: correct the signature",
                kind, spec.name, FormatShape(*declared.shape), FormatShape(spec.shape));
  }
  spec.shape = *declared.shape;
  return {};
}

Result<std::vector<TensorSpec>> ReconcileTensors(const std::vector<TensorSpec>& model,
                                                 const std::vector<DeclaredTensor>& declared,
                                                 std::string_view kind) {
  std::vector<TensorSpec> specs;
  for (const DeclaredTensor& tensor : declared) {
    const auto found = FindByName(model, tensor.name);
    if (found == model.end()) {
      return Fail(ErrorCode::kUnprocessable,
                  "the signature declares the {} \"{}\", but the model has {}", kind, tensor.name,
                  NamesOf(model));
    }
    TensorSpec spec = *found;
    PODIUM_TRY(Refine(spec, tensor, kind));
    specs.push_back(std::move(spec));
  }
  return specs;
}

Status NameColumns(Signature& signature, const std::vector<std::string>& columns) {
  if (signature.inputs.size() != 1 || signature.inputs.front().shape.size() != 2) {
    return Fail(ErrorCode::kUnprocessable,
                "the signature names columns, but only a single two-dimensional input has columns: "
                "the model takes {}",
                NamesOf(signature.inputs));
  }
  TensorSpec& input = signature.inputs.front();
  const auto count = static_cast<std::int64_t>(columns.size());
  if (input.shape[1] != -1 && input.shape[1] != count) {
    return Fail(ErrorCode::kUnprocessable,
                "the signature names {} columns, but input \"{}\" has shape {}", count, input.name,
                FormatShape(input.shape));
  }
  input.shape[1] = count;
  signature.columns = columns;
  return {};
}

Status CheckInput(const TensorSpec& want, const Tensor& got) {
  if (got.type != want.type) {
    return Fail(ErrorCode::kInvalidArgument, "input \"{}\" is {}, but the model takes {}",
                want.name, NameOf(got.type), NameOf(want.type));
  }
  if (!ShapeFits(want.shape, got.shape)) {
    return Fail(ErrorCode::kInvalidArgument, "input \"{}\" has shape {}, but the model takes {}",
                want.name, FormatShape(got.shape), FormatShape(want.shape));
  }
  // The bytes must be there: the model reads them where they lie.
  const auto count = ElementCount(got.shape);
  const std::size_t width = WidthOf(got.type);
  const std::size_t held = width == 0 ? got.strings.size() : got.data.size() / width;
  const bool whole = width == 0 || got.data.size() % width == 0;
  if (!count || !whole || held != static_cast<std::size_t>(*count)) {
    return Fail(ErrorCode::kInvalidArgument, "input \"{}\" has shape {}, but holds {} elements",
                want.name, FormatShape(got.shape), held);
  }
  return {};
}

}  // namespace

bool ShapeFits(const Shape& wanted, const Shape& given) {
  if (wanted.empty()) return true;
  return std::equal(
      wanted.begin(), wanted.end(), given.begin(), given.end(),
      [](std::int64_t want, std::int64_t length) { return want == -1 || want == length; });
}

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
      PODIUM_TRY_ASSIGN(signature.columns, ReadColumns(value));
    } else {
      return Fail(ErrorCode::kInvalidArgument,
                  "signature has the unknown key \"{}\": inputs, outputs, columns", key);
    }
  }
  return signature;
}

Result<Signature> Reconcile(const Signature& model, const DeclaredSignature& declared) {
  Signature signature = model;
  if (declared.inputs) {
    PODIUM_TRY_ASSIGN(signature.inputs, ReconcileTensors(model.inputs, *declared.inputs, "input"));
    if (signature.inputs.size() != model.inputs.size()) {
      return Fail(ErrorCode::kUnprocessable, "the signature declares {}, but the model takes {}",
                  NamesOf(signature.inputs), NamesOf(model.inputs));
    }
  }
  if (declared.outputs) {
    PODIUM_TRY_ASSIGN(signature.outputs,
                      ReconcileTensors(model.outputs, *declared.outputs, "output"));
  }
  if (!declared.columns.empty()) PODIUM_TRY(NameColumns(signature, declared.columns));
  return signature;
}

Status CheckOutputs(const Signature& signature, std::span<const Tensor> outputs) {
  if (outputs.size() != signature.outputs.size()) {
    return Fail(ErrorCode::kInternal, "the model answered {} tensors, its signature has {}",
                outputs.size(), signature.outputs.size());
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const TensorSpec& spec = signature.outputs[i];
    const Tensor& given = outputs[i];
    if (given.name != spec.name || given.type != spec.type) {
      return Fail(ErrorCode::kInternal, "the model answered \"{}\" of type {} for output \"{}\"",
                  given.name, NameOf(given.type), spec.name);
    }
    // Whoever writes it down goes through every dimension, also of a tensor without elements.
    std::uint64_t places = 1;
    for (const std::int64_t dimension : given.shape) {
      const auto length = static_cast<std::uint64_t>(std::max<std::int64_t>(dimension, 1));
      if (length > limits::kMaxOutputPlaces / places) {
        return Fail(ErrorCode::kTooLarge, "output \"{}\" has shape {}: more than {} places",
                    spec.name, FormatShape(given.shape), limits::kMaxOutputPlaces);
      }
      places *= length;
    }
  }
  return {};
}

Status CheckInputs(const Signature& signature, std::span<const Tensor> inputs) {
  for (const TensorSpec& want : signature.inputs) {
    const auto got = FindByName(inputs, want.name);
    if (got == inputs.end()) {
      return Fail(ErrorCode::kInvalidArgument, "input \"{}\" is missing: the model takes {}",
                  want.name, NamesOf(signature.inputs));
    }
    PODIUM_TRY(CheckInput(want, *got));
  }
  if (inputs.size() == signature.inputs.size()) return {};
  for (const Tensor& tensor : inputs) {
    if (FindByName(signature.inputs, tensor.name) == signature.inputs.end()) {
      return Fail(ErrorCode::kInvalidArgument, "there is no input \"{}\": the model takes {}",
                  tensor.name, NamesOf(signature.inputs));
    }
  }
  return Fail(ErrorCode::kInvalidArgument, "{} inputs are given, but the model takes {}",
              inputs.size(), NamesOf(signature.inputs));
}

}  // namespace podium::runtime
