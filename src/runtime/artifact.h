// Artifacts: where they may come from, and how they become a verified file of ours.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/result.h"

namespace podium::runtime {

/// The file that `uri` names. Only `file:` (or a path relative to the first root) is read so far.
/// kInvalidArgument for another scheme or what is not a file, kPermissionDenied outside every root
/// (symbolic links and ".." resolved first), kNotFound when there is no such file.
Result<std::filesystem::path> ResolveArtifact(std::string_view uri,
                                              const std::vector<std::filesystem::path>& roots);

/// 64 lower-case hex digits: the only spelling of a checksum that may become a file name.
bool IsChecksum(std::string_view text);

/// SHA-256 of a file, in hex.
Result<std::string> HashFile(const std::filesystem::path& file);

/// The copy of `checksum` in `cache_dir` after a check of its hash. kNotFound when there is none;
/// kUnprocessable when its bytes are not what its name says (a write that a crash cut short).
Result<std::filesystem::path> CachedArtifact(const std::string& checksum,
                                             const std::filesystem::path& cache_dir);

/// Copies `source` to `cache_dir/<sha256>`, hashing on the way; checks `expected` unless empty.
/// Atomic (temporary file, fsync, rename); an existing verified copy is reused after a check of its
/// hash. Returns the copy. kUnprocessable on a checksum mismatch, naming both sums; kTooLarge above
/// `most` bytes.
Result<std::filesystem::path> FetchArtifact(const std::filesystem::path& source,
                                            const std::string& expected,
                                            const std::filesystem::path& cache_dir,
                                            std::uint64_t most = limits::kMaxArtifactBytes);

/// Writes `text` to `file`: whole, or the old content stays. Survives a crash of the machine.
Status ReplaceFile(const std::filesystem::path& file, std::string_view text);

/// Removes what copies cut short by a crash have left behind.
/// REQUIRES: no FetchArtifact into `cache_dir` is under way.
void SweepCache(const std::filesystem::path& cache_dir);

}  // namespace podium::runtime
