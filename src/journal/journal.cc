#include "journal/journal.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/mapped_file.h"

namespace podium::journal {
namespace {

namespace fs = std::filesystem;

}  // namespace

Result<std::unique_ptr<Journal>> Journal::Open(const JournalOptions& options) {
  PODIUM_TRY_ASSIGN(LifeFolder folder,
                    LifeFolder::Make(options.root, LogFolderName(options.incarnation)));
  std::unique_ptr<Journal> journal(new Journal(options, std::move(folder)));
  // A disk that is full now may have room later.
  const Status prepared = journal->Prepare();
  (void)prepared;
  return journal;
}

Journal::Journal(JournalOptions options, LifeFolder folder)
    : options_(std::move(options)), folder_(std::move(folder)) {
  for (std::size_t core = 0; core < options_.cores; ++core) {
    logs_.push_back(std::make_unique<CoreLog>());
  }
}

Status Journal::Prepare() {
  const std::lock_guard one_at_a_time(preparing_);
  Status worst;
  for (std::uint32_t core = 0; core < logs_.size(); ++core) {
    if (Status prepared = PrepareCore(core); !prepared) worst = std::move(prepared);
  }
  return worst;
}

bool Journal::wants_segments() const {
  return std::ranges::any_of(logs_,
                             [](const auto& log) { return log->writer.wanted().has_value(); });
}

Status Journal::PrepareCore(std::uint32_t core) {
  CoreLog& log = *logs_[core];
  while (const std::optional<std::uint64_t> number = log.writer.wanted()) {
    if (SegmentsOf(log).size() >= options_.segments_per_core) {
      return Fail(ErrorCode::kLimited,
                  "the journal of core {} has {} segments that were not stored yet, and takes no "
                  "more: see why the registry does not take their cost events",
                  core, options_.segments_per_core);
    }
    PODIUM_TRY(CheckDiskRoom(folder(), options_.segment_bytes, options_.disk_reserve));
    PODIUM_TRY_ASSIGN(
        std::unique_ptr<Segment> made,
        Segment::Create(folder(), {options_.incarnation, core, *number}, options_.segment_bytes));
    Segment* segment = made.get();
    {
      const std::lock_guard lock(log.mutex);
      log.segments.push_back(std::move(made));
    }
    log.writer.Offer(segment);
  }
  return {};
}

Status Journal::Sync() {
  const std::lock_guard one_at_a_time(syncing_);
  const std::uint64_t before = records();
  Status worst;
  for (const auto& log : logs_) {
    for (const std::shared_ptr<Segment>& segment : SegmentsOf(*log)) {
      if (Status synced = segment->Sync(); !synced) worst = std::move(synced);
    }
  }
  if (worst) synced_records_ = before;
  return worst;
}

std::uint64_t Journal::records() const {
  std::uint64_t all = 0;
  for (const auto& log : logs_) all += log->writer.records();
  return all;
}

Journal::Figures Journal::figures() const {
  Figures all;
  all.records = records();
  for (const auto& log : logs_) {
    all.refused += log->writer.refused();
    all.segments += SegmentsOf(*log).size();
  }
  return all;
}

std::vector<std::shared_ptr<Segment>> Journal::SegmentsOf(const CoreLog& log) {
  const std::lock_guard lock(log.mutex);
  return {log.segments.begin(), log.segments.end()};
}

std::vector<std::uint32_t> Journal::cores() const {
  std::vector<std::uint32_t> cores;
  for (std::uint32_t core = 0; core < logs_.size(); ++core) cores.push_back(core);
  return cores;
}

// nullptr when it is not there, or not any more.
std::shared_ptr<Segment> Journal::Find(const CoreLog& log, std::uint64_t number) {
  const std::lock_guard lock(log.mutex);
  if (log.segments.empty()) return nullptr;
  const std::uint64_t first = log.segments.front()->id().number;
  if (number < first || number - first >= log.segments.size()) return nullptr;
  return log.segments[static_cast<std::size_t>(number - first)];
}

std::optional<std::uint64_t> Journal::NextSegment(std::uint32_t core, std::uint64_t number) {
  const CoreLog& log = *logs_[core];
  const std::lock_guard lock(log.mutex);
  if (log.segments.empty() || log.segments.back()->id().number < number) return std::nullopt;
  return std::max(number, log.segments.front()->id().number);
}

Result<SegmentBytes> Journal::Look(std::uint32_t core, std::uint64_t number) {
  std::shared_ptr<Segment> segment = Find(*logs_[core], number);
  if (!segment) {
    return Fail(ErrorCode::kNotFound, "the journal has no segment {} of core {}", number, core);
  }
  // In this order: what is closed is committed to its end.
  const bool ended = segment->closed();
  const std::string_view bytes(segment->bytes().data(), segment->committed());
  const std::uint64_t salt = segment->salt();
  logs_[core]->looked_at = std::move(segment);
  return SegmentBytes{bytes, salt, ended};
}

void Journal::DropBefore(std::uint32_t core, std::uint64_t number) {
  CoreLog& log = *logs_[core];
  std::vector<std::shared_ptr<Segment>> dropped;
  {
    const std::lock_guard lock(log.mutex);
    while (!log.segments.empty() && log.segments.front()->id().number < number &&
           log.segments.front()->closed()) {
      dropped.push_back(std::move(log.segments.front()));
      log.segments.pop_front();
    }
  }
  std::error_code ignored;  // A file that stays is read once more after a restart: its events are
                            // known then.
  for (const std::shared_ptr<Segment>& segment : dropped) fs::remove(segment->path(), ignored);
}

}  // namespace podium::journal
