#include "journal/frame.h"

#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#include <cstring>

#include "base/assert.h"

namespace podium::journal {
namespace {

struct FrameHead {
  std::uint64_t checksum;  // Of all that follows, the payload included.
  std::uint32_t length;
  std::uint16_t type;
  std::uint16_t zero;
  std::uint64_t sequence;
};
static_assert(sizeof(FrameHead) == kFrameHeadBytes);

constexpr std::size_t kCheckedFrom = sizeof(FrameHead::checksum);

std::uint64_t ChecksumOf(const char* frame, std::size_t payload, std::uint64_t salt) {
  return XXH3_64bits_withSeed(frame + kCheckedFrom, sizeof(FrameHead) - kCheckedFrom + payload,
                              salt);
}

bool AllZero(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

Frame WithoutRecord(std::string_view bytes) {
  Frame frame;
  frame.state = AllZero(bytes) ? FrameState::kEnd : FrameState::kTorn;
  return frame;
}

}  // namespace

std::size_t WriteFrame(std::span<char> out, RecordType type, std::uint64_t sequence,
                       std::string_view payload, std::uint64_t salt) {
  PODIUM_ASSERT(payload.size() <= limits::kMaxJournalRecordBytes);
  PODIUM_ASSERT(FrameBytes(payload.size()) <= out.size());
  FrameHead head{0, static_cast<std::uint32_t>(payload.size()), static_cast<std::uint16_t>(type), 0,
                 sequence};
  char* at = out.data();
  std::memcpy(at, &head, sizeof head);
  if (!payload.empty()) std::memcpy(at + sizeof head, payload.data(), payload.size());
  head.checksum = ChecksumOf(at, payload.size(), salt);
  std::memcpy(at, &head.checksum, sizeof head.checksum);
  return FrameBytes(payload.size());
}

Frame ReadFrame(std::string_view bytes, std::uint64_t salt) {
  if (bytes.size() < sizeof(FrameHead)) return WithoutRecord(bytes);
  FrameHead head{};
  std::memcpy(&head, bytes.data(), sizeof head);
  if (head.type == 0 || head.length > limits::kMaxJournalRecordBytes) return WithoutRecord(bytes);
  if (FrameBytes(head.length) > bytes.size()) return WithoutRecord(bytes);
  if (head.checksum != ChecksumOf(bytes.data(), head.length, salt)) return WithoutRecord(bytes);
  Frame frame;
  frame.state = FrameState::kRecord;
  frame.type = static_cast<RecordType>(head.type);
  frame.sequence = head.sequence;
  frame.payload = bytes.substr(sizeof head, head.length);
  frame.bytes = FrameBytes(head.length);
  return frame;
}

}  // namespace podium::journal
