// Takes the bytes of an artifact in: a file that has its real name only once it is whole and on
// disk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "base/result.h"

namespace podium::runtime {

/// How the file of an upload is called, and whether it may hold nothing.
struct UploadKind {
  std::string_view suffix = ".onnx";  ///< Behind the checksum. Of static life.
  bool may_be_empty = false;
  /// A file of that name and size stays, with whoever links to it, and the upload is dropped.
  bool keep_existing = false;
};

/// Append any number of times, then Finish once; what was not finished leaves no trace.
/// Threads: one at a time; every call may block on the disk.
class ArtifactUpload {
 public:
  /// `token` tells uploads under way apart; the directory is created when it is missing.
  ArtifactUpload(std::filesystem::path directory, const std::string& token, UploadKind kind = {});
  ~ArtifactUpload();
  ArtifactUpload(const ArtifactUpload&) = delete;
  ArtifactUpload& operator=(const ArtifactUpload&) = delete;

  /// kUnavailable with the system's reason when the disk does not take them.
  Status Append(std::string_view bytes);
  /// The SHA-256 in hex; the file is then `<sha256>.onnx`, or as the kind says. kInvalidArgument
  /// when nothing came (unless the kind allows it), or when the bytes are not those of `expected`
  /// (unless that is empty).
  Result<std::string> Finish(const std::string& expected);
  std::uint64_t size() const { return size_; }

 private:
  Status Create();

  const std::filesystem::path directory_;
  const std::filesystem::path temporary_;
  const UploadKind kind_;
  int file_ = -1;
  Sha256 hash_;
  std::uint64_t size_ = 0;
};

/// Removes what uploads left in `directory` when their process was killed. Those under way, here or
/// in another process on the same directory, are locked and stay.
void SweepUploads(const std::filesystem::path& directory);

}  // namespace podium::runtime
