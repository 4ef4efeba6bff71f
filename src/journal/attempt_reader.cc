#include "journal/attempt_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/log.h"
#include "base/whole_file.h"

namespace podium::journal {
namespace {

constexpr std::uint64_t kCheckpointSalt = 0x31544b4348435044ULL;  // Changes with the layout.

std::string CheckpointPath(const Log& log) { return log.folder() + "/checkpoint"; }

std::string Numbers(std::initializer_list<std::uint64_t> values) {
  std::string bytes;
  for (const std::uint64_t value : values) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  return bytes;
}

/// 0 beyond the end.
std::uint64_t NumberAt(std::string_view bytes, std::size_t index) {
  std::uint64_t value = 0;
  if ((index + 1) * sizeof value <= bytes.size()) {
    std::memcpy(&value, bytes.data() + index * sizeof value, sizeof value);
  }
  return value;
}

Status WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      return Fail(ErrorCode::kUnavailable, "{}", std::generic_category().message(errno));
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fdatasync(fd) != 0) {
    return Fail(ErrorCode::kUnavailable, "{}", std::generic_category().message(errno));
  }
  return {};
}

// Under its name it is whole: a reader meets the one before it or this one.
Status Replace(const std::string& path, std::string_view bytes) {
  const std::string fresh = path + ".new";
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  Status written =
      fd < 0 ? Status(Fail(ErrorCode::kUnavailable, "{}", std::generic_category().message(errno)))
             : WriteAll(fd, bytes);
  if (fd >= 0) ::close(fd);
  if (written && ::rename(fresh.c_str(), path.c_str()) != 0) {
    written = Fail(ErrorCode::kUnavailable, "{}", std::generic_category().message(errno));
  }
  if (written) return {};
  return Fail(std::move(written).error().Wrap(ErrorCode::kUnavailable,
                                              "the journal cannot save its position in " + path));
}

Attempt Unknown(std::string event_id, Intent intent) {
  Outcome outcome;
  outcome.ended = intent.at;
  outcome.status = AttemptStatus::kUnknown;
  outcome.usage = intent.estimate;
  outcome.usage.estimated = true;
  outcome.cost = intent.estimated_cost;
  outcome.price_id = intent.price_id;
  return {std::move(event_id), std::move(intent), outcome};
}

}  // namespace

Result<AttemptReader> AttemptReader::Open(Log& log) {
  AttemptReader reader(log);
  PODIUM_TRY_ASSIGN(const std::optional<std::string> checkpoint,
                    ReadWholeFile(CheckpointPath(log), limits::kMaxJournalFileBytes));
  if (checkpoint) {
    if (Status restored = reader.Restore(*checkpoint); !restored) {
      // The segments that are left are read from their start; known events stay as they are.
      reader.positions_.clear();
      reader.open_.clear();
      reader.Damaged(0, {}, restored.error().message);
    }
  }
  for (const std::uint32_t core : log.cores()) reader.positions_.try_emplace(core);
  return reader;
}

Status AttemptReader::Restore(std::string_view checkpoint) {
  while (true) {
    const Frame frame = ReadFrame(checkpoint, kCheckpointSalt ^ log_->incarnation());
    if (frame.state != FrameState::kRecord) break;
    checkpoint.remove_prefix(frame.bytes);
    const auto core = static_cast<std::uint32_t>(NumberAt(frame.payload, 0));
    if (frame.type == RecordType::kEnd) return {};
    if (frame.type == RecordType::kPosition) {
      positions_[core] = {NumberAt(frame.payload, 1), NumberAt(frame.payload, 2), frame.sequence};
    } else if (frame.payload.size() >= sizeof(std::uint64_t)) {
      open_[{core, frame.sequence}] = frame.payload.substr(sizeof(std::uint64_t));
    }
  }
  return Fail(ErrorCode::kUnprocessable, "the checkpoint is not whole");
}

std::string AttemptReader::Checkpoint() const {
  const std::uint64_t salt = kCheckpointSalt ^ log_->incarnation();
  std::string bytes;
  for (const auto& [core, position] : positions_) {
    AppendFrame(bytes, RecordType::kPosition, position.sequence,
                Numbers({core, position.number, position.offset}), salt);
  }
  for (const auto& [key, intent] : open_) {
    AppendFrame(bytes, RecordType::kOpen, key.second, Numbers({key.first}) + intent, salt);
  }
  AppendFrame(bytes, RecordType::kEnd, 0, {}, salt);
  return bytes;
}

Status AttemptReader::Save() {
  if (positions_ == saved_) return {};
  PODIUM_TRY(Replace(CheckpointPath(*log_), Checkpoint()));
  saved_ = positions_;
  for (const auto& [core, position] : positions_) log_->DropBefore(core, position.number);
  return {};
}

Result<std::vector<Attempt>> AttemptReader::Read(std::size_t most) {
  std::vector<Attempt> attempts;
  for (auto& [core, position] : positions_) {
    while (attempts.size() < most) {
      PODIUM_TRY_ASSIGN(const bool more, Step(core, attempts));
      if (!more) break;
    }
    if (attempts.size() == most) return attempts;
  }
  if (log_->dead()) EndOpen(most, attempts);
  return attempts;
}

// Takes one record of a core, or a step to its next segment; false when there is neither.
Result<bool> AttemptReader::Step(std::uint32_t core, std::vector<Attempt>& out) {
  Position& position = positions_[core];
  const std::optional<std::uint64_t> number = log_->NextSegment(core, position.number);
  if (!number) return false;
  if (*number != position.number) {
    Damaged(core, position, "segments are missing");
    position = {*number, 0, position.sequence};
  }
  const Result<SegmentBytes> segment = log_->Look(core, position.number);
  if (!segment && segment.error().code == ErrorCode::kUnavailable) return Fail(segment.error());
  const Position next{position.number + 1, 0, position.sequence};
  if (!segment) {
    Damaged(core, position, segment.error().message);
    position = next;
    return true;
  }
  if (TakeNext(core, *segment, out)) return true;
  if (segment->ended) position = next;
  return segment->ended;
}

// False when there is no record at the position that follows the last one.
bool AttemptReader::TakeNext(std::uint32_t core, const SegmentBytes& segment,
                             std::vector<Attempt>& out) {
  Position& position = positions_[core];
  const std::size_t at = std::max<std::size_t>(position.offset, kSegmentHeadBytes);
  if (at >= segment.bytes.size()) return false;
  const Frame frame = ReadFrame(segment.bytes.substr(at), segment.salt);
  const bool follows = frame.sequence == position.sequence + 1;
  // What a damaged segment has lost shows at the head of the next one.
  const bool skips = position.offset == 0 && frame.sequence > position.sequence;
  if (frame.state != FrameState::kRecord || (!follows && !skips)) {
    if (frame.state != FrameState::kEnd) ++torn_;
    return false;
  }
  if (!follows) Damaged(core, position, "records are missing");
  position.offset = at + frame.bytes;
  position.sequence = frame.sequence;
  Take(core, frame, out);
  return true;
}

void AttemptReader::Take(std::uint32_t core, const Frame& frame, std::vector<Attempt>& out) {
  switch (frame.type) {
    case RecordType::kIntent:
      open_[{core, frame.sequence}] = frame.payload;
      return;
    case RecordType::kOutcome:
      TakeOutcome(core, frame, out);
      return;
    default:
      Damaged(core, positions_[core], "a record is of no known type");
  }
}

void AttemptReader::TakeOutcome(std::uint32_t core, const Frame& frame, std::vector<Attempt>& out) {
  const Result<OutcomeRecord> record = DecodeOutcome(frame.payload);
  if (!record) return Damaged(core, positions_[core], record.error().message);
  const auto found = open_.find({core, record->intent});
  if (found == open_.end()) return Damaged(core, positions_[core], "an outcome has no intent");
  Result<Intent> intent = DecodeIntent(found->second);
  open_.erase(found);
  if (!intent) return Damaged(core, positions_[core], intent.error().message);
  out.push_back(
      {EventId(log_->incarnation(), core, record->intent), std::move(*intent), record->outcome});
}

void AttemptReader::EndOpen(std::size_t most, std::vector<Attempt>& out) {
  while (!open_.empty() && out.size() < most) {
    const auto first = open_.begin();
    const auto [core, sequence] = first->first;
    Result<Intent> intent = DecodeIntent(first->second);
    open_.erase(first);
    if (intent) {
      out.push_back(Unknown(EventId(log_->incarnation(), core, sequence), std::move(*intent)));
    } else {
      Damaged(core, positions_[core], intent.error().message);
    }
  }
  done_ = open_.empty();
}

void AttemptReader::Damaged(std::uint32_t core, const Position& position, std::string_view what) {
  ++damaged_;
  LogError("the journal is damaged: attempts may be missing from the costs",
           {{"folder", log_->folder()},
            {"core", core},
            {"segment", position.number},
            {"offset", position.offset},
            {"problem", what}});
}

AttemptReader::Figures AttemptReader::figures() const { return {open_.size(), torn_, damaged_}; }

}  // namespace podium::journal
