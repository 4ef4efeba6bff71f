// What a model takes and gives as far as it is known, and whether one version may stand where
// another does: what its callers send must be taken, what they read must be there. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/tensor.h"

namespace podium {

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
  std::vector<std::string> classes;  ///< What the places of the answer mean, in their order.
};

/// Reads {"inputs": [{name, datatype?, shape?}], "outputs": […], "columns": […], "classes": […]},
/// each optional. Empty text declares nothing. kInvalidArgument with the place at fault.
Result<DeclaredSignature> ParseSignature(std::string_view json);

/// All that is known of a version: `model` is what its loaded model says, nullptr while it is not
/// loaded. Class labels and text that cannot be read come from nowhere else: then they are unknown.
DeclaredSignature KnownSignature(std::string_view declared, const Signature* model);

/// "[-1, 30]"
std::string FormatShape(const Shape& shape);

/// Whether callers of the one version may be sent to the other.
enum class Fit : std::uint8_t {
  kCompatible,
  kUnknown,  ///< Nothing contradicts, but something is not known of either.
  kIncompatible,
};
std::string_view NameOf(Fit fit);

struct SignatureFit {
  Fit fit = Fit::kCompatible;
  std::vector<std::string> differences;  ///< One sentence for each reason against it.
  std::vector<std::string> unknown;      ///< One for each thing that could not be compared.
};

/// Compares name by name: types and ranks, dimensions that the candidate does not leave open,
/// columns, class labels, and the first output, which predictions are read from. At most
/// limits::kMaxSignatureSentences of each list, the last of which then counts the rest.
SignatureFit CompareSignatures(const DeclaredSignature& candidate,
                               const DeclaredSignature& primary);

}  // namespace podium
