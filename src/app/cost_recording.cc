#include "app/cost_recording.h"

#include <chrono>
#include <string_view>
#include <utility>

#include "app/trouble.h"
#include "base/limits.h"
#include "base/log.h"

namespace podium::app {
namespace {

// Two prepared segments last longer, however fast records come.
constexpr std::chrono::milliseconds kJournalTick{100};
// What has gathered by then shares its transactions: each costs as much as some ten events.
constexpr std::chrono::seconds kCostTick{1};
constexpr std::string_view kJournalIsWell = "the journal is well again";
constexpr Trouble kNoRoom("the journal cannot be prepared: calls that cost money may be refused",
                          kJournalIsWell);
constexpr Trouble kNotSynced("the journal cannot be synced: a power cut may cost records",
                             kJournalIsWell);

std::unique_ptr<journal::Journal> OpenJournal(const std::string& root, std::size_t cores,
                                              Rng& rng) {
  journal::JournalOptions options;
  options.root = root;
  options.incarnation = rng.Next64();
  options.cores = cores;
  Result<std::unique_ptr<journal::Journal>> opened = journal::Journal::Open(options);
  if (opened) return std::move(*opened);
  LogError("no journal: calls that cost money are refused until the next start",
           {{"error", opened.error().message}});
  return nullptr;
}

}  // namespace

CostRecording::CostRecording(std::string root, std::size_t cores, store::CostStore& store,
                             WorkerPool& writer, const Clock& clock, Rng& rng)
    : writer_(writer),
      journal_(OpenJournal(root, cores, rng)),
      projector_(journal_ ? std::make_unique<control::CostProjector>(*journal_, std::move(root),
                                                                     store, clock)
                          : nullptr),
      files_("journal", 1, 1) {}

void CostRecording::StartFiles() {
  if (!journal_) return;
  // Threads of their own: each may wait for the disk while the other goes on, and nobody else is
  // woken as often as they look.
  making_room_.emplace("journal-room", kJournalTick, [this, trouble = kNoRoom]() mutable {
    if (journal_->wants_segments()) trouble.Note(journal_->Prepare());
  });
  syncing_.emplace("journal-sync", limits::kJournalSync, [this, trouble = kNotSynced]() mutable {
    if (journal_->unsynced()) trouble.Note(journal_->Sync());
  });
}

void CostRecording::Start(TaskGroup& ticking) {
  if (journal_) ticking.Spawn(Store());
}

void CostRecording::StopFiles() {
  making_room_.reset();
  syncing_.reset();
  files_.Stop();
}

void CostRecording::StoreLast() {
  if (!projector_) return;
  if (const Status stored = projector_->Drain(); !stored) {
    LogWarning("cost events wait in the journal for the next start",
               {{"error", Describe(stored.error())}});
  }
}

void CostRecording::WriteMetrics(Exposition& out) const {
  if (projector_) projector_->WriteMetrics(out);
}

Task<void> CostRecording::Store() {
  Trouble trouble("cost events wait in the journal: the registry does not take them",
                  kJournalIsWell);
  Trouble unsaved("the journal's position cannot be saved: what is stored keeps its files",
                  kJournalIsWell);
  while (co_await NextTick(kCostTick)) {
    if (projector_->due()) {
      auto store_some = RunOn(writer_, [this] { return StoreSome(); });
      trouble.Note(co_await std::move(store_some));
    }
    if (!projector_->save_due()) continue;
    auto save = RunOn(files_, [this] { return projector_->Save(); });
    unsaved.Note(co_await std::move(save));
  }
}

// Runs on the registry's one writer: a change that waits goes first.
Status CostRecording::StoreSome() {
  bool more = true;
  do {
    PODIUM_TRY_ASSIGN(more, projector_->Step());
  } while (more && writer_.queued() == 0 && !projector_->save_due());
  return {};
}

}  // namespace podium::app
