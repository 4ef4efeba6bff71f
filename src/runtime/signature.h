// What a model takes and gives: what was declared and what was read from the model in one, and
// whether given tensors fit. Pure, so that every refusal can be tested without a model.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/signature.h"
#include "domain/tensor.h"

namespace podium::runtime {

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

using podium::FormatShape;

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
