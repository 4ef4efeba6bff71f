// The example models and their held-back rows, as bytes inside the binary: the demo needs no file.
#pragma once

#include <array>
#include <span>
#include <string_view>

namespace podium::app {

struct DemoModelAsset {
  std::string_view version;    ///< "v1"
  std::string_view onnx;       ///< The model's file.
  std::string_view signature;  ///< JSON: inputs, outputs, columns.
};

/// One route of examples/README.md.
struct DemoAsset {
  std::string_view route;
  std::string_view rows;  ///< JSON: held-back rows, their labels, scikit-learn's predictions.
  std::array<DemoModelAsset, 3> models;  ///< The third without a name where there are but two.
};

/// In the order in which they are shown.
std::span<const DemoAsset> DemoAssets();

}  // namespace podium::app
