// Artifacts: where they may come from, and how they become a verified file of ours.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace podium::runtime {

/// The file that `uri` names. Only `file:` (or a path relative to the first root) is read so far.
/// kInvalidArgument for another scheme, kPermissionDenied outside every root (symbolic links and
/// ".." resolved first), kNotFound when there is no such file.
Result<std::filesystem::path> ResolveArtifact(std::string_view uri,
                                              const std::vector<std::filesystem::path>& roots);

/// SHA-256 of a file, in hex.
Result<std::string> HashFile(const std::filesystem::path& file);

/// Copies `source` to `cache_dir/<sha256>`, hashing on the way; checks `expected` unless empty.
/// Atomic (temporary file, fsync, rename); an existing verified copy is reused after a check of its
/// hash. Returns the copy. kUnprocessable on a checksum mismatch, naming both sums.
Result<std::filesystem::path> FetchArtifact(const std::filesystem::path& source,
                                            const std::string& expected,
                                            const std::filesystem::path& cache_dir);

}  // namespace podium::runtime
