#include "journal/writer.h"

#include "base/assert.h"

namespace podium::journal {
namespace {

// What frames can count on: at the end of each segment up to one frame's room is lost.
std::size_t UsableOf(std::size_t bytes) {
  return bytes < kMaxFrameBytes ? 0 : bytes - kMaxFrameBytes + 1;
}

}  // namespace

std::optional<std::uint64_t> Writer::wanted() const {
  const std::uint64_t in_use = number_.load(std::memory_order_acquire);
  if (offered_ >= in_use + limits::kJournalSpareSegments) return std::nullopt;
  return offered_ + 1;
}

void Writer::Offer(Segment* segment) {
  PODIUM_ASSERT(segment->id().number == offered_ + 1);
  ++offered_;
  SlotOf(offered_).store(segment, std::memory_order_release);
}

std::size_t Writer::RoomAhead() {
  std::size_t room = current_ == nullptr ? 0 : UsableOf(current_->bytes().size() - end_);
  const std::uint64_t in_use = number_.load(std::memory_order_relaxed);
  for (std::size_t ahead = 1; ahead <= limits::kJournalSpareSegments; ++ahead) {
    const Segment* spare = SlotOf(in_use + ahead).load(std::memory_order_acquire);
    if (spare == nullptr) break;
    room += UsableOf(spare->bytes().size() - kSegmentHeadBytes);
  }
  return room;
}

bool Writer::IsHalfFree() {
  const std::uint64_t next = number_.load(std::memory_order_relaxed) + 1;
  const Segment* any =
      current_ != nullptr ? current_ : SlotOf(next).load(std::memory_order_acquire);
  if (any == nullptr) return false;
  const std::size_t most = kSlots * UsableOf(any->bytes().size() - kSegmentHeadBytes);
  return RoomAhead() >= reserved_ + most / 2;
}

std::optional<std::uint64_t> Writer::Append(RecordType type, std::string_view payload,
                                            std::size_t follow_up) {
  PODIUM_ASSERT(follow_up <= limits::kMaxJournalRecordBytes);
  const std::size_t kept = FrameBytes(follow_up);
  if (reserved_ + kept + FrameBytes(payload.size()) > RoomAhead()) {
    refused_.store(refused() + 1, std::memory_order_relaxed);
    return std::nullopt;
  }
  reserved_ += kept;
  return Put(type, payload);
}

std::uint64_t Writer::AppendFollowUp(RecordType type, std::string_view payload,
                                     std::size_t follow_up) {
  PODIUM_ASSERT(payload.size() <= follow_up && FrameBytes(follow_up) <= reserved_);
  reserved_ -= FrameBytes(follow_up);
  return Put(type, payload);
}

std::uint64_t Writer::Put(RecordType type, std::string_view payload) {
  if (current_ == nullptr || FrameBytes(payload.size()) > current_->bytes().size() - end_) GoOn();
  end_ += WriteFrame(current_->bytes().subspan(end_), type, ++sequence_, payload, current_->salt());
  current_->Commit(end_);
  records_.store(sequence_, std::memory_order_release);
  return sequence_;
}

void Writer::GoOn() {
  const std::uint64_t next = number_.load(std::memory_order_relaxed) + 1;
  Segment* spare = SlotOf(next).exchange(nullptr, std::memory_order_acquire);
  PODIUM_ASSERT(spare != nullptr);  // RoomAhead has counted it.
  if (current_ != nullptr) current_->Close();
  current_ = spare;
  end_ = kSegmentHeadBytes;
  number_.store(next, std::memory_order_release);
}

}  // namespace podium::journal
