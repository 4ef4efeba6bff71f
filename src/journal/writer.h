// Where one core puts its records.
//
// Appending is a copy into mapped memory: no system call, no lock, no allocation. What was appended
// survives the end of the process at any moment, and of the machine once it was synced.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/limits.h"
#include "journal/frame.h"
#include "journal/segment.h"

namespace podium::journal {

/// Threads: Append, AppendFollowUp and IsHalfFree on the core that owns it; Offer and wanted on the
/// one thread that prepares segments; the figures on any.
class Writer {
 public:
  Writer() = default;
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// Its sequence, from 1 without gaps; nullopt when the journal is full: then nothing was written,
  /// and the caller must not begin what it wanted to record. `follow_up` bytes of payload stay free
  /// for one record that must not fail. REQUIRES: both within limits::kMaxJournalRecordBytes.
  std::optional<std::uint64_t> Append(RecordType type, std::string_view payload,
                                      std::size_t follow_up);
  /// The record that room was kept for; it never fails. REQUIRES: an Append with this `follow_up`,
  /// used up by this call; at most as much payload.
  std::uint64_t AppendFollowUp(RecordType type, std::string_view payload, std::size_t follow_up);

  /// The number of the next segment that is missing; nullopt while enough are prepared.
  std::optional<std::uint64_t> wanted() const;
  /// Hands over the segment that was wanted; it must outlive its use (Segment::closed).
  void Offer(Segment* segment);

  /// Whether at least half of what its segments hold is free: who can do without a record leaves
  /// the rest to those who cannot. On the core that owns it.
  bool IsHalfFree();

  /// What is counted is committed.
  std::uint64_t records() const { return records_.load(std::memory_order_acquire); }
  std::uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::size_t kSlots = limits::kJournalSpareSegments + 1;

  std::atomic<Segment*>& SlotOf(std::uint64_t number) { return spares_[number % kSlots]; }
  std::size_t RoomAhead();
  std::uint64_t Put(RecordType type, std::string_view payload);
  void GoOn();

  Segment* current_ = nullptr;
  std::size_t end_ = 0;                   // Of what was written to current_.
  std::size_t reserved_ = 0;              // Bytes of frames that room is kept for.
  std::uint64_t sequence_ = 0;            // Of the last record.
  std::atomic<std::uint64_t> number_{0};  // Of current_.
  std::array<std::atomic<Segment*>, kSlots> spares_{};
  std::uint64_t offered_ = 0;  // Of the preparing thread: the last number handed over.
  std::atomic<std::uint64_t> records_{0};
  std::atomic<std::uint64_t> refused_{0};
};

}  // namespace podium::journal
