// What the file MLmodel says of a logged model: where its ONNX file is, and what that takes and
// gives.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace podium::control {

/// The name that MLflow gives it, in the folder of the model.
inline constexpr const char* kMlmodelFile = "MLmodel";

struct Mlmodel {
  std::string onnx_file;  ///< Relative to its folder, as written: nobody has checked it.
  /// Declared, as domain/signature.h reads it; empty when the file declares nothing that has names.
  std::string signature;
};

/// kUnprocessable for what is not such a file, or of a model without the flavor onnx. Columns of a
/// data frame are not taken over: which tensor they belong to is pyfunc's to know.
Result<Mlmodel> ReadMlmodel(std::string_view yaml);

}  // namespace podium::control
