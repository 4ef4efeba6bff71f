// The kinds of trouble that a simulation makes, counted: one that never came proves nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace podium::testing {

enum class SimFault : std::uint8_t {
  kCrash,             ///< Everything in flight is lost; the store stays as it is.
  kCrashInPublish,    ///< The same while some cores have the new view and others do not.
  kRestart,           ///< An orderly one.
  kFailedStart,       ///< The store was not to be had when the server started.
  kCommitFailed,      ///< The store failed before it did anything.
  kAnswerLost,        ///< It committed, and the answer was lost.
  kReadFailed,        ///< A single read failed.
  kStoreSlow,         ///< A call took long, and the rest went on meanwhile.
  kStoreDown,         ///< Every call failed for a while.
  kTableEmpty,        ///< The table came back empty where there was one.
  kDuplicatePrimary,  ///< A bad row: a second, younger primary.
  kUnreadableRow,     ///< A bad row: it cannot be read.
  kUnknownProvider,   ///< A bad row: nobody knows its provider.
  kLoadSlow,          ///< A load took up to a minute.
  kLoadFailed,        ///< A load failed.
  kLoadFailedLater,   ///< What had loaded before failed to load again.
  kLoadRecovered,     ///< What had failed to load loaded.
  kLoadTooLate,       ///< A verb gave up waiting for a load.
  kCorruptArtifact,   ///< Bytes that are no model, or not those that were registered.
  kClockBack,         ///< The wall clock stepped back.
  kClockForward,      ///< The wall clock stepped forward.
  kForeignWrite,      ///< Another process wrote the table.
  kCoreBehind,        ///< A core answered by an older view than another.
  kForeignEvidence,   ///< Another replica counted for a rollout.
  kForeignDriver,     ///< Another replica took the lease of a rollout.
};
inline constexpr std::size_t kSimFaults = static_cast<std::size_t>(SimFault::kForeignDriver) + 1;

constexpr std::string_view NameOf(SimFault fault) {
  constexpr std::array<std::string_view, kSimFaults> kNames = {"crash",
                                                               "crash in a publish",
                                                               "orderly restart",
                                                               "start without a store",
                                                               "store failed before the commit",
                                                               "commit acknowledged to nobody",
                                                               "store failed a read",
                                                               "store slow",
                                                               "store down for a while",
                                                               "table came back empty",
                                                               "duplicate primary",
                                                               "unreadable row",
                                                               "unknown provider",
                                                               "load slow",
                                                               "load failed",
                                                               "load failed that had worked",
                                                               "load worked that had failed",
                                                               "load too late for its verb",
                                                               "corrupt artifact",
                                                               "wall clock back",
                                                               "wall clock forward",
                                                               "write by another process",
                                                               "answer by a core that is behind",
                                                               "evidence of another replica",
                                                               "another replica drives"};
  return kNames[static_cast<std::size_t>(fault)];
}

struct FaultCounts {
  std::array<std::uint64_t, kSimFaults> counts{};

  std::uint64_t& operator[](SimFault fault) { return counts[static_cast<std::size_t>(fault)]; }
  std::uint64_t operator[](SimFault fault) const { return counts[static_cast<std::size_t>(fault)]; }
  void Add(const FaultCounts& other) {
    for (std::size_t i = 0; i < kSimFaults; ++i) counts[i] += other.counts[i];
  }
};

}  // namespace podium::testing
