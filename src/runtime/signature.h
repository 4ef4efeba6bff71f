// What a model takes and gives: as declared at registration, as read from the model, and whether
// given tensors fit. Pure, so that every refusal can be tested without a model.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/tensor.h"

namespace podium::runtime {

/// One tensor as declared: what is left out is taken from the model.
struct DeclaredTensor {
  std::string name;
  std::optional<DataType> type;
  std::optional<Shape> shape;
};

struct DeclaredSignature {
  std::optional<std::vector<DeclaredTensor>> inputs;
  std::optional<std::vector<DeclaredTensor>> outputs;
  std::vector<std::string> columns;
};

/// Reads {"inputs": [{name, datatype?, shape?}], "outputs": […], "columns": […]}, each optional.
/// Empty text declares nothing. kInvalidArgument with the place at fault.
Result<DeclaredSignature> ParseSignature(std::string_view json);

/// The signature to serve: the model's, in the declared order, with open dimensions closed and
/// columns named as declared. All inputs must be declared or none; outputs may be a selection,
/// whose first becomes the prediction. kUnprocessable saying where declaration and model disagree.
Result<Signature> Reconcile(const Signature& model, const DeclaredSignature& declared);

/// Do `inputs` fit? Names in any order; types exact; -1 takes any length; a signature input without
/// dimensions (of unknown rank) takes any shape. kInvalidArgument naming tensor, wanted and got.
Status CheckInputs(const Signature& signature, std::span<const Tensor> inputs);

/// Are `outputs` those of the signature, in its order, by name and type, and of a size that can be
/// written down? kInternal, or kTooLarge past limits::kMaxOutputPlaces.
Status CheckOutputs(const Signature& signature, std::span<const Tensor> outputs);

/// Whether `given` is one of the shapes that `wanted` stands for: -1 takes any length, no
/// dimensions at all (a model that does not state its rank) any shape.
bool ShapeFits(const Shape& wanted, const Shape& given);

/// "[-1, 30]"
std::string FormatShape(const Shape& shape);

/// Of anything with a name: "\"a\", \"b\"".
template <typename Tensors>
std::string NamesOf(const Tensors& tensors) {
  std::string names;
  for (const auto& tensor : tensors) {
    names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", tensor.name);
  }
  return names;
}

/// The first of that name, or the end.
template <typename Tensors>
auto FindByName(Tensors& tensors, std::string_view name) {
  return std::find_if(tensors.begin(), tensors.end(),
                      [&](const auto& tensor) { return tensor.name == name; });
}

}  // namespace podium::runtime
