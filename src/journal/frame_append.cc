#include "journal/frame.h"

namespace podium::journal {

void AppendFrame(std::string& out, RecordType type, std::uint64_t sequence,
                 std::string_view payload, std::uint64_t salt) {
  const std::size_t before = out.size();
  out.resize(before + FrameBytes(payload.size()));
  WriteFrame(std::span<char>(out).subspan(before), type, sequence, payload, salt);
}

}  // namespace podium::journal
