// Brings what the journal holds into the store: each attempt as one cost event.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/exposition.h"
#include "base/limits.h"
#include "base/result.h"
#include "domain/cost_event.h"
#include "journal/attempt.h"
#include "journal/attempt_reader.h"
#include "journal/journal.h"
#include "journal/log.h"
#include "store/cost_store.h"

namespace podium::control {

/// The row that an attempt becomes.
CostEvent CostEventOf(const journal::Attempt& attempt);

/// INV-11: reads, stores, then saves its position, in this order. Wherever it is stopped, what was
/// read after the last position is read again under the same ids, and the store passes over what it
/// has. Level-triggered: a step that failed is taken again. A log of an earlier process that cannot
/// be read is set aside until the next start; it never holds up this process's own.
/// Threads: Step, due, save_due and Save one at a time, on whatever thread; WriteMetrics on any.
/// Step blocks on the store and reads files; what waits for a disk is in Save, so that it need not
/// run where the store's changes do.
class CostProjector {
 public:
  /// All must outlive the projector. `journal` is this process's own.
  CostProjector(journal::Journal& journal, std::string root, store::CostStore& store,
                const Clock& clock);
  ~CostProjector();

  /// Step may find something: whoever asks first wakes nobody in vain.
  bool due() const;
  /// At most one transaction of records. True when there is more to do at once. First what earlier
  /// processes have left, then this one's own, as it comes.
  Result<bool> Step();
  /// Save has something to do. Once a second at least while there are records, however far behind
  /// the store is: the segments must be given back all the same.
  bool save_due() const;
  /// Writes the position, drops the segments it is past, and removes the logs that are read.
  /// REQUIRES: save_due.
  Status Save();
  /// Steps until there is nothing more, and saves the position: at the end of a process.
  Status Drain();

  void WriteMetrics(Exposition& out) const;

 private:
  /// Another process's log, until it is read to its end.
  struct Left;

  void FindLeft();
  bool IsRead(const std::string& folder) const;
  void SetAside(const std::string& folder, const Error& error);
  Result<bool> StepLeft();
  Result<bool> StepOwn();
  Result<bool> Fill(journal::AttemptReader& reader);
  Status Store();

  journal::Journal& journal_;
  const std::string root_;
  store::CostStore& store_;
  const Clock& clock_;
  std::optional<journal::AttemptReader> own_;
  std::unique_ptr<Left> left_;
  std::vector<std::unique_ptr<Left>> read_;  // To their end, and stored: Save removes them.
  std::set<std::string> set_aside_;          // Folders that cannot be read.
  std::uint64_t seen_ = 0;                   // Records of our own, when all of them were read.
  std::vector<CostEvent> pending_;           // Read, and not stored yet: of one log at a time.
  SteadyTime next_save_;
  SteadyTime next_look_;

  std::atomic<std::uint64_t> stored_{0};
  std::atomic<std::uint64_t> known_{0};
  std::atomic<std::uint64_t> unpriced_{0};
  std::atomic<std::uint64_t> unknown_{0};
  std::atomic<std::uint64_t> damaged_{0};
  std::atomic<std::uint64_t> open_{0};
};

}  // namespace podium::control
