// From what a version of a registered model names as its source to an ONNX file that this server
// can serve.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"
#include "control/follow/followed_rows.h"
#include "domain/registered_model.h"
#include "runtime/artifact_path.h"
#include "runtime/artifact_tree.h"

namespace podium::control {

/// Where in this server's artifact store a source lies. kUnprocessable for all that lies elsewhere
/// (file:, s3:, models:/ without files here, another server's mlflow-artifacts:) and for a path
/// that leads out of it. Pure.
Result<runtime::ArtifactPath> PathOfSource(std::string_view source);

/// What was found of a version's files.
struct FoundSource {
  runtime::ArtifactPath file;  ///< The ONNX file.
  std::string beside;          ///< Podium's own signature, declared beside it (JSON), or empty.
  std::string told;            ///< What MLmodel declares (JSON), or empty.
};

/// Threads: all methods from any thread; all block on the disk.
class SourceFinder {
 public:
  /// `tree` is MLflow's artifacts; what is to be served is copied to `folder`, where uploads go, so
  /// that it can still be served (and rolled back to) when somebody deletes it in MLflow.
  SourceFinder(const runtime::ArtifactTree& tree, std::filesystem::path folder,
               std::uint64_t most_bytes)
      : tree_(tree), folder_(std::move(folder)), most_bytes_(most_bytes) {}

  /// kUnprocessable, saying what is wrong with the source and what to do; kUnavailable when the
  /// disk does not tell.
  Result<FoundSource> Find(const RegisteredVersion& version) const;
  /// Copies what was found, whole or not at all. `token` tells copies under way apart. kTooLarge
  /// above the limit.
  Result<KeptArtifact> Keep(const FoundSource& found, const std::string& token) const;

 private:
  Result<std::string> ReadWhole(const runtime::ArtifactPath& path) const;
  Result<FoundSource> FindInFolder(const runtime::ArtifactPath& folder) const;
  Result<FoundSource> AtFile(runtime::ArtifactPath file, std::string told) const;

  const runtime::ArtifactTree& tree_;
  const std::filesystem::path folder_;
  const std::uint64_t most_bytes_;
};

}  // namespace podium::control
