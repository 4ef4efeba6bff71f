// One file of a journal, of a fixed size, mapped into memory while it is written.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/mapped_file.h"
#include "base/result.h"

namespace podium::journal {

/// Whose records a file holds, and which of its files it is.
struct SegmentId {
  std::uint64_t incarnation = 0;  ///< Of the process that writes it: each start has another.
  std::uint32_t core = 0;
  std::uint64_t number = 0;  ///< From 1, without gaps.
  auto operator<=>(const SegmentId&) const = default;
};

/// Magic, format, id, checksum: what stands before the first frame.
inline constexpr std::size_t kSegmentHeadBytes = 64;

/// "00-0000000001.seg": sorted by name is sorted by number.
std::string SegmentFileName(std::uint32_t core, std::uint64_t number);

/// Threads: one core writes; any number of others look, up to what committed() says.
class Segment {
 public:
  /// Makes the file with all its room taken from the disk already, so that writing to the mapping
  /// needs no more of it. kUnavailable when there is no room or no permission; then no file is
  /// left.
  static Result<std::unique_ptr<Segment>> Create(const std::string& folder, const SegmentId& id,
                                                 std::size_t bytes);
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;

  const SegmentId& id() const { return id_; }
  std::uint64_t salt() const { return salt_; }
  std::span<char> bytes() const { return mapped_.bytes(); }
  const std::string& path() const { return path_; }

  /// Whole frames reach from kSegmentHeadBytes to here. For the writer.
  void Commit(std::size_t end) { committed_.store(end, std::memory_order_release); }
  std::size_t committed() const { return committed_.load(std::memory_order_acquire); }
  /// The writer has gone on to the next one: committed() stays.
  void Close() { closed_.store(true, std::memory_order_release); }
  bool closed() const { return closed_.load(std::memory_order_acquire); }

  /// Writes what was committed to the disk; blocks. For one thread at a time.
  Status Sync();

 private:
  Segment(const SegmentId& id, std::string path, Mapping mapped, std::uint64_t salt);

  const SegmentId id_;
  const std::string path_;
  const Mapping mapped_;
  const std::uint64_t salt_;
  std::atomic<std::size_t> committed_{kSegmentHeadBytes};
  std::atomic<bool> closed_{false};
  std::size_t synced_ = 0;
};

/// The salt of the file that begins with `bytes`; kUnprocessable when they are not the head of
/// segment `id`.
Result<std::uint64_t> ReadSegmentHead(std::string_view bytes, const SegmentId& id);
/// For tests and Create: the head of segment `id`.
std::string SegmentHead(const SegmentId& id);

}  // namespace podium::journal
