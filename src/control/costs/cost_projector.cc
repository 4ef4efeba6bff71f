#include "control/costs/cost_projector.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/log.h"

namespace podium::control {
namespace {

constexpr std::chrono::seconds kSaveEvery{1};
constexpr std::chrono::seconds kLookEvery{5};  // For logs of processes that have ended.

}  // namespace

struct CostProjector::Left {
  explicit Left(std::unique_ptr<journal::DeadLog> opened) : log(std::move(opened)) {}

  const std::unique_ptr<journal::DeadLog> log;
  std::optional<journal::AttemptReader> reader;
};

CostEvent CostEventOf(const journal::Attempt& attempt) {
  const journal::Intent& intent = attempt.intent;
  const journal::Outcome& outcome = attempt.outcome;
  CostEvent event;
  event.event_id = attempt.event_id;
  event.model_id = intent.model;
  event.version_id = intent.version;
  event.route = intent.route;
  event.provider = intent.provider;
  event.upstream_model = intent.upstream_model;
  event.request_id = intent.request_id;
  event.user_id = intent.user_id;
  event.key_id = intent.key_id;
  event.workflow_run_id = intent.workflow_run_id;
  event.kind = intent.kind;
  event.attempt = intent.number;
  event.status = outcome.status;
  event.usage = outcome.usage;
  event.cost = outcome.cost;
  event.price_id = outcome.price_id;
  event.at = outcome.ended;
  return Bounded(std::move(event));
}

CostProjector::CostProjector(journal::Journal& journal, std::string root, store::CostStore& store,
                             const Clock& clock)
    : journal_(journal), root_(std::move(root)), store_(store), clock_(clock) {}

CostProjector::~CostProjector() = default;

bool CostProjector::due() const {
  return !own_ || !pending_.empty() || left_ || journal_.records() != seen_ ||
         clock_.SteadyNow() >= next_look_;
}

Result<bool> CostProjector::Step() {
  if (!pending_.empty()) {
    PODIUM_TRY(Store());
    return true;
  }
  FindLeft();
  if (left_) {
    Result<bool> more = StepLeft();
    // What the store does not take waits; what cannot be read must not hold up this process's own.
    if (more || !pending_.empty()) return more;
    SetAside(left_->log->folder(), more.error());
    left_.reset();
  }
  return StepOwn();
}

void CostProjector::SetAside(const std::string& folder, const Error& error) {
  set_aside_.insert(folder);
  ++damaged_;
  LogError("the journal of an earlier process cannot be read: it is tried again at the next start",
           {{"folder", folder}, {"error", Describe(error)}});
}

// REQUIRES: nothing is pending.
void CostProjector::FindLeft() {
  const SteadyTime now = clock_.SteadyNow();
  if (left_ || now < next_look_) return;
  for (const std::string& folder : journal::LogFolders(root_)) {
    if (set_aside_.contains(folder) || IsRead(folder)) continue;
    Result<std::unique_ptr<journal::DeadLog>> log = journal::DeadLog::Open(folder);
    if (!log) {
      SetAside(folder, log.error());
    } else if (*log) {
      left_ = std::make_unique<Left>(std::move(*log));
      return;
    }  // Else it lives, or somebody else reads it.
  }
  next_look_ = now + kLookEvery;
}

Result<bool> CostProjector::StepLeft() {
  if (!left_->reader) {
    PODIUM_TRY_ASSIGN(left_->reader, journal::AttemptReader::Open(*left_->log));
  }
  PODIUM_TRY_ASSIGN(const bool more, Fill(*left_->reader));
  if (more || !left_->reader->done()) return true;
  damaged_ += left_->reader->figures().damaged;
  LogInfo("costs of an earlier process are stored", {{"folder", left_->log->folder()}});
  read_.push_back(std::move(left_));
  return true;
}

bool CostProjector::IsRead(const std::string& folder) const {
  return std::ranges::any_of(read_,
                             [&](const auto& left) { return left->log->folder() == folder; });
}

Result<bool> CostProjector::StepOwn() {
  if (!own_) {
    PODIUM_TRY_ASSIGN(own_, journal::AttemptReader::Open(journal_));
  }
  const std::uint64_t before = journal_.records();
  PODIUM_TRY_ASSIGN(const bool more, Fill(*own_));
  open_ = own_->figures().open;
  if (!more) seen_ = before;
  return more;
}

bool CostProjector::save_due() const {
  // What is read and not stored yet lies behind the position.
  if (!pending_.empty()) return false;
  return !read_.empty() || (own_ && clock_.SteadyNow() >= next_save_);
}

Status CostProjector::Save() {
  for (const std::unique_ptr<Left>& left : read_) left->log->Remove();
  read_.clear();
  // Also after a failure: a disk that takes nothing must not keep what is stored from going on.
  next_save_ = clock_.SteadyNow() + kSaveEvery;
  return own_ ? own_->Save() : Status();
}

// True when there is more to do at once: what comes while a few are stored waits for the next step,
// so that a busy server writes many events in each transaction, and not each of them for itself.
Result<bool> CostProjector::Fill(journal::AttemptReader& reader) {
  PODIUM_TRY_ASSIGN(const std::vector<journal::Attempt> attempts, reader.Read(limits::kCostBatch));
  for (const journal::Attempt& attempt : attempts) pending_.push_back(CostEventOf(attempt));
  if (pending_.empty()) return false;
  PODIUM_TRY(Store());
  return !pending_.empty() || attempts.size() == limits::kCostBatch;
}

Status CostProjector::Store() {
  PODIUM_TRY_ASSIGN(const store::RecordedCosts done, store_.RecordCosts(pending_));
  const std::span<const CostEvent> taken = std::span(pending_).first(done.taken);
  stored_ += done.inserted;
  known_ += done.taken - done.inserted;
  for (const CostEvent& event : taken) {
    if (!event.cost) ++unpriced_;
    if (event.status == AttemptStatus::kUnknown) ++unknown_;
  }
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(done.taken));
  return {};
}

Status CostProjector::Drain() {
  while (true) {
    PODIUM_TRY_ASSIGN(const bool more, Step());
    if (!more) return Save();
  }
}

void CostProjector::WriteMetrics(Exposition& out) const {
  const auto counter = [&](std::string_view name, std::string_view help, std::uint64_t value) {
    out.Family(name, "counter", help);
    out.Sample({}, static_cast<double>(value));
  };
  const journal::Journal::Figures figures = journal_.figures();
  counter("podium_cost_events_total", "Attempts whose cost event was stored.", stored_);
  counter("podium_cost_events_known_total",
          "Attempts that were read again after a crash; their events were there.", known_);
  counter("podium_unpriced_requests_total", "Attempts without a known price.", unpriced_);
  counter("podium_cost_events_unknown_total",
          "Attempts that the process did not live to see the end of.", unknown_);
  counter("podium_journal_records_total", "Records appended to the journal.", figures.records);
  counter("podium_journal_full_total", "Paid calls refused because the journal was full.",
          figures.refused);
  counter("podium_journal_damaged_total", "Segments and records that were lost to damage.",
          damaged_);
  out.Family("podium_journal_segments", "gauge", "Files of the journal, prepared ones included.");
  out.Sample({}, static_cast<double>(figures.segments));
  out.Family("podium_journal_open_attempts", "gauge", "Attempts whose outcome is to come.");
  out.Sample({}, static_cast<double>(open_.load()));
}

}  // namespace podium::control
