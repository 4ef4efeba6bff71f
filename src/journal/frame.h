// How records lie in a segment: framed, so that a reader can tell a whole one from a torn one.
//
// Pure: bytes in, bytes out. Numbers are in the machine's own byte order: a journal never leaves
// the machine that wrote it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/limits.h"

namespace podium::journal {

/// What a record is; what it means is for its reader. 0 is none: unwritten bytes are zero.
enum class RecordType : std::uint16_t {
  kIntent = 1,    ///< An attempt is about to begin.
  kOutcome = 2,   ///< How it ended.
  kPosition = 3,  ///< Of a checkpoint: how far one core's records were read.
  kOpen = 4,      ///< Of a checkpoint: an intent whose outcome was not read yet.
  kEnd = 5,       ///< Of a checkpoint: it is whole.
};

/// Checksum, length, type, sequence; the payload follows, padded to eight bytes.
inline constexpr std::size_t kFrameHeadBytes = 24;

constexpr std::size_t FrameBytes(std::size_t payload_bytes) {
  return kFrameHeadBytes + (payload_bytes + 7) / 8 * 8;
}
inline constexpr std::size_t kMaxFrameBytes = FrameBytes(limits::kMaxJournalRecordBytes);

/// Writes one frame to the front of `out` and returns its size. It allocates nothing. `salt` is
/// that of the file: a frame that another file has left on the disk is not taken for one of this.
/// REQUIRES: the frame fits; the payload has at most limits::kMaxJournalRecordBytes.
std::size_t WriteFrame(std::span<char> out, RecordType type, std::uint64_t sequence,
                       std::string_view payload, std::uint64_t salt);
/// The same at the end of a text.
void AppendFrame(std::string& out, RecordType type, std::uint64_t sequence,
                 std::string_view payload, std::uint64_t salt);

enum class FrameState : std::uint8_t {
  kRecord,
  kEnd,   ///< Nothing was written from here on.
  kTorn,  ///< Something was, but no whole frame: the write was cut, or the bytes were damaged.
};

struct Frame {
  FrameState state = FrameState::kEnd;
  RecordType type = RecordType::kIntent;
  std::uint64_t sequence = 0;
  std::string_view payload;  ///< Points into the bytes that were read.
  std::size_t bytes = 0;     ///< To the next frame; 0 unless there is a record.
};

/// The frame at the front of `bytes`, which reach to the end of the file. Any bytes may be given.
Frame ReadFrame(std::string_view bytes, std::uint64_t salt);

}  // namespace podium::journal
