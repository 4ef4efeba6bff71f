// What each thread is doing with which model, where the next process can read it.
//
// A small file in shared memory: a mark is a handful of plain stores, no system call, and outlives
// the process however it ends (not the machine). A fatal signal is noted on the mark of the thread
// that it hit, then takes its usual course.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace podium::runtime {

enum class Phase : std::uint8_t {
  kIdle,
  kLoad,
  kWarmUp,
  kInference,  ///< One of the first (see ProbationRuns).
  kProven,     ///< A later one.
};

/// One mark that a dead process left.
struct Trace {
  std::string sha256;
  Phase phase = Phase::kIdle;
  std::uint64_t run = 0;  ///< Number of the inference in that process, from 1.
  int signal = 0;         ///< That hit the thread; 0: none was noted.
};
/// All that a process left. A file that is missing, or not of this build, is an orderly end.
struct Trail {
  bool abnormal = false;  ///< It did not come to its end.
  int stray_signal = 0;   ///< Hit a thread that was in no model.
  std::vector<Trace> traces;
};

inline constexpr std::size_t kBoardSlots = 1024;  ///< Threads; more go unmarked.

/// 64 hex digits.
using ArtifactKey = std::array<char, 64>;
ArtifactKey KeyOf(std::string_view sha256);

struct BoardMap;  // The file's content.

/// Threads: Mark on any; one board per process is used at a time.
class InflightBoard {
 public:
  /// Reads what the process before left, then starts anew. kConflict while another process has the
  /// file, kUnavailable when it cannot be made.
  static Result<std::unique_ptr<InflightBoard>> Open(const std::filesystem::path& path);
  ~InflightBoard();  ///< Not an orderly end unless Close was called.
  InflightBoard(const InflightBoard&) = delete;
  InflightBoard& operator=(const InflightBoard&) = delete;

  const Trail& found() const { return found_; }
  /// Notes fatal signals of this process on this board until it is destroyed.
  void CatchSignals();
  /// The process comes to an orderly end.
  void Close();

  /// Marks the calling thread for as long as it lives. Marks do not nest. `board` may be null.
  class Mark {
   public:
    Mark(InflightBoard* board, const ArtifactKey& key, Phase phase, std::uint64_t run = 0);
    ~Mark();
    Mark(const Mark&) = delete;
    Mark& operator=(const Mark&) = delete;
    void Enter(Phase phase);  ///< The same model goes on to another phase.
    bool marked() const { return phase_ != nullptr; }

   private:
    std::atomic<std::uint8_t>* phase_ = nullptr;  // Null: unmarked.
  };

 private:
  InflightBoard(std::shared_ptr<BoardMap> map, int file, Trail found);

  std::shared_ptr<BoardMap> map_;  // Threads that have a slot keep the map too.
  int file_;
  Trail found_;
};

}  // namespace podium::runtime
