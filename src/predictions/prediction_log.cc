#include "predictions/prediction_log.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/log.h"

namespace podium::predictions {

PredictionLog::PredictionLog(LogOptions options, std::size_t cores, const Clock& clock, Rng& rng)
    : options_(std::move(options)), clock_(clock) {
  cores_.reserve(cores);
  for (std::size_t i = 0; i < cores; ++i) {
    cores_.push_back(std::make_unique<CoreLog>(options_.policy, rng));
  }
}

PredictionLog::~PredictionLog() = default;

Status PredictionLog::Recover() {
  for (const SegmentFile& file : ListSegments(options_.folder)) {
    if (ReplicaOfSegment(file.name) == options_.replica) {
      last_opened_ = std::max(last_opened_, OpenedOfSegment(file.name));
    }
    if (!file.open) continue;
    Result<std::unique_ptr<OpenSegment>> segment = OpenSegment::Repair(options_.folder, file.name);
    if (!segment) {
      LogWarning("a segment of the prediction log cannot be repaired",
                 {{"segment", file.name}, {"error", Describe(segment.error())}});
    } else if (*segment) {
      damaged_ += (*segment)->damaged();
      LogInfo("a segment of an earlier process is closed",
              {{"segment", file.name}, {"damaged_lines", (*segment)->damaged()}});
      closing_.push_back(std::move(*segment));
    }
  }
  return {};
}

std::size_t PredictionLog::TakeLines(std::string& lines) {
  std::size_t count = 0;
  for (const std::unique_ptr<CoreLog>& core : cores_) {
    while (count < limits::kPredictionBatch) {
      const std::unique_ptr<Record> record = core->Take();
      if (!record) break;
      record->row.replica = options_.replica;
      lines += LineOf(*record, options_.policy.Of(record->row.route));
      ++count;
    }
  }
  return count;
}

std::uint64_t PredictionLog::unpacked() const {
  std::uint64_t bytes = segment_ ? segment_->size() : 0;
  if (sealing_) bytes += sealing_->size();
  for (const std::unique_ptr<OpenSegment>& segment : closing_) bytes += segment->size();
  return bytes;
}

Status PredictionLog::CheckRoom(std::size_t more) const {
  const std::uint64_t bytes = unpacked();
  const bool is_full = bytes > 0 && bytes + more > options_.most_bytes;
  if (!is_full && closing_.size() < limits::kUnpackedSegments) return {};
  return Fail(ErrorCode::kUnavailable,
              "the prediction log has {} bytes in {} segments that are not packed yet", bytes,
              closing_.size() + (segment_ ? 1 : 0) + (sealing_ ? 1 : 0));
}

Status PredictionLog::Write(std::string_view lines, std::size_t count) {
  const auto write = [&]() -> Status {
    if (Status room = CheckRoom(lines.size()); !room) {
      // Packed, it may leave room.
      if (segment_) closing_.push_back(std::move(segment_));
      return room;
    }
    if (!segment_) {
      // A clock that was set back must not put what is new before what is indexed.
      const WallTime now = std::max(clock_.Now(), last_opened_ + std::chrono::microseconds(1));
      PODIUM_TRY_ASSIGN(
          segment_, OpenSegment::Create(options_.folder, SegmentName(now, options_.replica), now));
    }
    last_opened_ = segment_->opened();
    return segment_->Append(lines);
  };
  Status written = write();
  (written ? written_ : lost_) += count;
  if (written) bytes_ += lines.size();
  return written;
}

void PredictionLog::CloseIfDue() {
  if (!segment_) return;
  // With a clock that was set back it is still the segment's day.
  const WallTime now = std::max(clock_.Now(), segment_->opened());
  const bool is_full = segment_->size() >= options_.segment_bytes;
  const bool is_old = now - segment_->opened() >= options_.segment_age;
  // A folder holds the records of its day.
  const bool other_day = std::chrono::floor<std::chrono::days>(now) !=
                         std::chrono::floor<std::chrono::days>(segment_->opened());
  if (is_full || is_old || other_day) closing_.push_back(std::move(segment_));
}

Status PredictionLog::SealSome() {
  if (!sealing_) {
    if (closing_.empty()) return {};
    sealing_ = std::make_unique<Sealing>(std::move(closing_.front()));
    closing_.pop_front();
  }
  PODIUM_TRY_ASSIGN(const bool done, sealing_->Step());
  if (!done) return {};
  sealing_.reset();
  ++closed_;
  return {};
}

// One slice, and more of them while packing is behind.
Status PredictionLog::SealTurn() {
  const SteadyTime end = clock_.SteadyNow() + limits::kPackingTurn;
  do {
    PODIUM_TRY(SealSome());
  } while (closing_.size() + (sealing_ ? 1 : 0) > 1 && clock_.SteadyNow() < end);
  return {};
}

Status PredictionLog::Drain() {
  CloseIfDue();
  std::string lines;
  Status status;
  while (const std::size_t count = TakeLines(lines)) {
    if (Status written = Write(lines, count); !written) status = std::move(written);
    CloseIfDue();
    lines.clear();
    if (count < limits::kPredictionBatch) break;
  }
  Status sealed = SealTurn();
  return status ? sealed : status;
}

void PredictionLog::Retain() {
  expired_ += DropSegments(options_.folder, clock_.Now() - options_.retention, options_.most_bytes);
}

Status PredictionLog::Finish() {
  PODIUM_TRY(Drain());
  if (segment_) closing_.push_back(std::move(segment_));
  while (sealing_ || !closing_.empty()) PODIUM_TRY(SealSome());
  return {};
}

void PredictionLog::WriteMetrics(Exposition& out) const {
  const auto counter = [&](std::string_view name, std::string_view help, std::uint64_t value) {
    out.Family(name, "counter", help);
    out.Sample({}, static_cast<double>(value));
  };
  counter("podium_predictions_written_total", "Predictions written to the log.", written_);
  counter("podium_predictions_lost_total",
          "Predictions that the disk, or predictions.max_disk, did not take.", lost_);
  counter("podium_predictions_damaged_total", "Lines that a crash has left unreadable.", damaged_);
  counter("podium_predictions_bytes_total", "Bytes of the log, before they are packed.", bytes_);
  counter("podium_prediction_segments_closed_total", "Segments packed and closed.", closed_);
  counter("podium_prediction_segments_expired_total", "Segments removed by retention.", expired_);
  std::size_t waiting = 0;
  std::map<std::pair<std::string, std::string>, std::array<std::uint64_t, kFates>> arms;
  for (const std::unique_ptr<CoreLog>& core : cores_) {
    waiting += core->waiting();
    core->counts().Visit([&](const ArmCounts::Arm& arm) {
      auto& counts = arms[{arm.route, arm.version}];
      for (std::size_t fate = 0; fate < kFates; ++fate) counts[fate] += arm.counts[fate];
    });
  }
  out.Family("podium_predictions_waiting", "gauge", "Predictions that wait for the writer.");
  out.Sample({}, static_cast<double>(waiting));
  out.Family("podium_predictions_total", "counter",
             "Predictions of routes that are logged, by assigned version: logged, left out with "
             "their unit (thinned), or without room (full).");
  for (const auto& [arm, counts] : arms) {
    for (std::size_t fate = 0; fate < kFates; ++fate) {
      out.Sample({{"route", arm.first},
                  {"model_id", arm.second},
                  {"fate", NameOf(static_cast<Fate>(fate))}},
                 static_cast<double>(counts[fate]));
    }
  }
}

}  // namespace podium::predictions
