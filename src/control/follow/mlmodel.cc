#include "control/follow/mlmodel.h"

#include <yaml-cpp/yaml.h>

#include <array>
#include <optional>
#include <utility>

#include "base/json.h"
#include "domain/tensor.h"

namespace podium::control {
namespace {

// NumPy's names, as MLflow writes them.
constexpr std::array<std::pair<std::string_view, DataType>, 15> kDtypes = {{
    {"bool", DataType::kBool},
    {"uint8", DataType::kUint8},
    {"uint16", DataType::kUint16},
    {"uint32", DataType::kUint32},
    {"uint64", DataType::kUint64},
    {"int8", DataType::kInt8},
    {"int16", DataType::kInt16},
    {"int32", DataType::kInt32},
    {"int64", DataType::kInt64},
    {"float16", DataType::kFp16},
    {"float32", DataType::kFp32},
    {"float64", DataType::kFp64},
    {"str", DataType::kBytes},
    {"bytes", DataType::kBytes},
    {"object", DataType::kBytes},
}};

std::string TextIn(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// {"type": "tensor", "name": "x", "tensor-spec": {"dtype": "float32", "shape": [-1, 4]}}
std::optional<Json> DeclaredOf(const Json& column) {
  if (!column.is_object() || TextIn(column, "type") != "tensor") return std::nullopt;
  const std::string name = TextIn(column, "name");
  const auto spec = column.find("tensor-spec");
  if (name.empty() || spec == column.end() || !spec->is_object()) return std::nullopt;
  Json tensor = {{"name", name}};
  const std::string dtype = TextIn(*spec, "dtype");
  for (const auto& [known, type] : kDtypes) {
    if (known == dtype) tensor["datatype"] = NameOf(type);
  }
  const auto shape = spec->find("shape");
  if (shape != spec->end() && shape->is_array()) tensor["shape"] = *shape;
  return tensor;
}

// MLflow keeps each side as JSON in a string. Nothing unless all of it has names: who declares some
// tensors only has declared something else.
std::optional<Json> DeclaredTensors(const YAML::Node& side) {
  if (!side.IsDefined() || !side.IsScalar()) return std::nullopt;
  const Result<Json> columns = ParseJson(side.Scalar());
  if (!columns || !columns->is_array() || columns->empty()) return std::nullopt;
  Json tensors = Json::array();
  for (const Json& column : *columns) {
    std::optional<Json> tensor = DeclaredOf(column);
    if (!tensor) return std::nullopt;
    tensors.push_back(std::move(*tensor));
  }
  return tensors;
}

std::string SignatureIn(const YAML::Node& document) {
  const YAML::Node signature = document["signature"];
  if (!signature.IsDefined() || !signature.IsMap()) return "";
  Json declared = Json::object();
  if (auto inputs = DeclaredTensors(signature["inputs"])) declared["inputs"] = std::move(*inputs);
  if (auto outputs = DeclaredTensors(signature["outputs"])) {
    declared["outputs"] = std::move(*outputs);
  }
  return declared.empty() ? "" : DumpJson(declared);
}

Result<Mlmodel> ReadDocument(const YAML::Node& document) {
  const YAML::Node flavors = document.IsMap() ? document["flavors"] : YAML::Node();
  if (!flavors.IsDefined() || !flavors.IsMap()) {
    return Fail(ErrorCode::kUnprocessable, "its MLmodel names no flavors");
  }
  const YAML::Node onnx = flavors["onnx"];
  if (!onnx.IsDefined()) {
    return Fail(ErrorCode::kUnprocessable,
                "its MLmodel has no flavor onnx: log it with mlflow.onnx.log_model");
  }
  const YAML::Node data = onnx.IsMap() ? onnx["data"] : YAML::Node();
  if (!data.IsDefined() || !data.IsScalar() || data.Scalar().empty()) {
    return Fail(ErrorCode::kUnprocessable,
                "its MLmodel does not say which file the flavor onnx means (flavors.onnx.data)");
  }
  return Mlmodel{data.Scalar(), SignatureIn(document)};
}

}  // namespace

Result<Mlmodel> ReadMlmodel(std::string_view yaml) {
  try {
    return ReadDocument(YAML::Load(std::string(yaml)));
  } catch (const YAML::Exception& error) {
    return Fail(ErrorCode::kUnprocessable, "its MLmodel cannot be read: {}", error.what());
  }
}

}  // namespace podium::control
