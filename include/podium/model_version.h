// A version of a model, as it is registered and as the registry shows it.
#pragma once

#include <map>
#include <string>

#include <podium/clock.h>

namespace podium::v1 {

/// What a program says about a version when it registers it.
///
/// `name` is both the model's name and the route that callers ask for. A version is found again by
/// its id; name and version together are unique as well. Podium never opens `path`.
struct NewVersion {
  std::string name;
  std::string version;
  std::string id;      ///< Empty: the registry makes one. Never used twice, even after a delete.
  std::string path;    ///< Where the artifact is; at most 2,048 bytes.
  std::string format;  ///< "onnx", …
  std::map<std::string, double> metrics;  ///< Finite numbers, at most 100.
  /// Who runs it: one of RegistryOptions::providers, or empty for this program itself.
  std::string provider;
  std::string upstream_model;  ///< The model's name at that provider.
};

/// A registered version.
struct ModelVersion {
  std::string id;
  std::string name;
  std::string version;
  std::string path;
  std::string format;
  WallTime created_at;  ///< Stamped by the registry.
  std::map<std::string, double> metrics;
  bool active = false;  ///< It is the primary of its name: exactly one is, or none.
};

/// One line of JSON; `metrics` is omitted when empty, times are RFC 3339 in UTC.
[[gnu::visibility("default")]] std::string ToJson(const ModelVersion& version);

}  // namespace podium::v1
