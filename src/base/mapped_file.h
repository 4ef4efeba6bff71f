// Files of a fixed size that are written by storing to memory: what was stored is there after the
// process has died, however it died, since the pages are the kernel's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace podium {

/// Bytes of a file, or of this process alone, in its memory.
class Mapping {
 public:
  Mapping() = default;  ///< None.
  ~Mapping();
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;

  std::span<char> bytes() const { return bytes_; }
  /// Writes the pages that [from, end) lies in to the disk; blocks.
  Status Sync(std::size_t from, std::size_t end) const;

 private:
  friend Result<Mapping> MapRange(const std::string& path, int fd, std::size_t at,
                                  std::size_t bytes);
  friend Mapping MapMemory(std::size_t bytes);
  explicit Mapping(std::span<char> bytes) : bytes_(bytes) {}

  std::span<char> bytes_;
};

/// What a new file outlives: of a power cut it must be written to the disk first, which takes long.
enum class Outlives : std::uint8_t { kProcess, kPowerCut };

/// Makes a file of `bytes` zeros that begins with `head`. All its room is taken from the disk
/// already, so that storing to it needs no more; whoever finds it finds it whole. kUnavailable when
/// there is no room or no permission; then no file is left. Blocks.
Result<Mapping> MapNewFile(const std::string& path, std::string_view head, std::size_t bytes,
                           Outlives outlives);
/// Makes a file longer: its bytes [at, at + bytes), as new ones. REQUIRES: `at` is a multiple of
/// kMappingPage.
Result<Mapping> MapMoreOf(const std::string& path, std::size_t at, std::size_t bytes);
/// Zeros that end with the process. Throws std::bad_alloc.
Mapping MapMemory(std::size_t bytes);

/// A multiple of every page size that is in use.
inline constexpr std::size_t kMappingPage = 64 * 1024;

/// Whether the disk of `folder` can give `wanted` bytes and keep `reserve`. Asked before, and not
/// found out by trying: a try would take the last room for a moment, and the registry's change of
/// that moment would fail.
Status CheckDiskRoom(const std::string& folder, std::uint64_t wanted, std::uint64_t reserve);

}  // namespace podium
