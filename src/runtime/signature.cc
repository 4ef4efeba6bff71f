#include "runtime/signature.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "runtime/harm_limits.h"

namespace podium::runtime {
namespace {

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
