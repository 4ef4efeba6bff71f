#include "journal/segment.h"

#include <xxhash.h>

#include <cstring>
#include <utility>

#include "base/assert.h"
#include "journal/frame.h"

namespace podium::journal {
namespace {

constexpr std::uint64_t kMagic = 0x314c4e524a444f50ULL;  // Changes with the layout.

struct FileHead {
  std::uint64_t magic;
  std::uint64_t incarnation;
  std::uint64_t number;
  std::uint64_t core;
  std::uint64_t salt;  // Checksum of the above, and what the checksums of the frames begin with.
};
static_assert(sizeof(FileHead) <= kSegmentHeadBytes);

FileHead HeadOf(const SegmentId& id) {
  FileHead head{kMagic, id.incarnation, id.number, id.core, 0};
  head.salt = XXH3_64bits(&head, offsetof(FileHead, salt));
  return head;
}

}  // namespace

std::string SegmentFileName(std::uint32_t core, std::uint64_t number) {
  return fmt::format("{:03}-{:010}.seg", core, number);
}

std::string SegmentHead(const SegmentId& id) {
  const FileHead head = HeadOf(id);
  std::string bytes(kSegmentHeadBytes, '\0');
  std::memcpy(bytes.data(), &head, sizeof head);
  return bytes;
}

Result<std::uint64_t> ReadSegmentHead(std::string_view bytes, const SegmentId& id) {
  const FileHead want = HeadOf(id);
  if (bytes.size() < kSegmentHeadBytes || std::memcmp(bytes.data(), &want, sizeof want) != 0) {
    return Fail(ErrorCode::kUnprocessable, "{} of the journal does not begin as it should",
                SegmentFileName(id.core, id.number));
  }
  return want.salt;
}

Result<std::unique_ptr<Segment>> Segment::Create(const std::string& folder, const SegmentId& id,
                                                 std::size_t bytes) {
  PODIUM_ASSERT(bytes >= kSegmentHeadBytes + kMaxFrameBytes);
  std::string path = folder + "/" + SegmentFileName(id.core, id.number);
  PODIUM_TRY_ASSIGN(Mapping mapped, MapNewFile(path, SegmentHead(id), bytes, Outlives::kPowerCut));
  return std::unique_ptr<Segment>(
      new Segment(id, std::move(path), std::move(mapped), HeadOf(id).salt));
}

Segment::Segment(const SegmentId& id, std::string path, Mapping mapped, std::uint64_t salt)
    : id_(id), path_(std::move(path)), mapped_(std::move(mapped)), salt_(salt) {}

Status Segment::Sync() {
  const std::size_t end = committed();
  if (end == synced_) return {};
  if (Status synced = mapped_.Sync(synced_, end); !synced) {
    return Fail(std::move(synced).error().Wrap(ErrorCode::kUnavailable, path_));
  }
  synced_ = end;
  return {};
}

}  // namespace podium::journal
