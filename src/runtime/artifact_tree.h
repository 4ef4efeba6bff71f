// The files that MLflow's clients have put here, by the paths that they gave them.
//
// Content addressed: `blobs` has each content once, under its checksum; `tree` has the paths, as
// hard links to blobs. A path appears or changes by a rename of a link, so that a reader finds the
// old content or the new, whole. Nothing is ever written into a file that has a name.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime/artifact_upload.h"

namespace podium::runtime {

/// Steps of a path below the tree, each a name that leads nowhere else; empty for the tree itself.
using ArtifactPath = std::vector<std::string>;

struct ArtifactEntry {
  std::string name;
  bool is_folder = false;
  std::uint64_t size = 0;  ///< Bytes, of a file.
  bool operator==(const ArtifactEntry&) const = default;
};

/// A file that is open for reading.
class ArtifactFile {
 public:
  explicit ArtifactFile(int file) : file_(file) {}
  ~ArtifactFile();
  ArtifactFile(const ArtifactFile&) = delete;
  ArtifactFile& operator=(const ArtifactFile&) = delete;
  /// The next bytes, at most limits::kArtifactPieceBytes; empty at the end. May block.
  Result<std::string> Read();

 private:
  const int file_;
};

/// Threads: Publish and Remove from one thread at a time, the others from any. All may block.
class ArtifactTree {
 public:
  /// Of a folder that is made when something first comes. `sweep` there first.
  explicit ArtifactTree(std::filesystem::path root);

  /// Takes away what killed uploads left behind.
  void Sweep() const;
  /// To be appended to and given to Publish. `token` tells uploads under way apart.
  std::unique_ptr<ArtifactUpload> NewUpload(const std::string& token) const;
  /// kInvalidArgument when the path is a folder, or a step of it is a file.
  Status Publish(ArtifactUpload& upload, const ArtifactPath& path);
  /// kNotFound; kInvalidArgument for a folder.
  Result<std::unique_ptr<ArtifactFile>> Open(const ArtifactPath& path) const;
  /// By name. Of a folder its entries; of a file itself; of nothing, nothing.
  Result<std::vector<ArtifactEntry>> List(const ArtifactPath& path) const;
  /// A file, or a folder with all that is in it; nothing there is fine. kInvalidArgument for the
  /// tree itself.
  Status Remove(const ArtifactPath& path);

 private:
  std::filesystem::path Place(const ArtifactPath& path) const;
  Status Link(const std::string& sha256, const ArtifactPath& path) const;
  void DropBlobOf(const std::filesystem::path& file) const;

  const std::filesystem::path blobs_;
  const std::filesystem::path tree_;
  const std::filesystem::path doomed_;  // Where a folder goes before it is taken apart.
};

}  // namespace podium::runtime
