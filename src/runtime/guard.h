// What all guarded models of a server share: their processes, their limits, what is known of harm.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/exposition.h"
#include "base/limits.h"
#include "runtime/harm_limits.h"
#include "runtime/inflight_board.h"
#include "runtime/model_process.h"
#include "runtime/quarantine.h"
#include "runtime/run_watch.h"

namespace podium::runtime {

struct GuardOptions {
  std::filesystem::path program;  ///< Knows the verb `model-host`.
  std::filesystem::path ort_library;
  std::string stamp;  ///< Of this build and its libraries: what was proven before is, for these.
  std::uint64_t load_memory = limits::kLoadMemory;
  std::uint64_t call_memory = limits::kCallMemory;
  std::chrono::milliseconds load_timeout = limits::kLoadTimeout;  ///< To load; again to warm up.
  std::chrono::milliseconds inference_timeout = limits::kInferenceTimeout;
};

/// A file in the cache, and how its caller describes it.
struct ModelFile {
  std::filesystem::path path;  ///< Its name is the checksum.
  std::string signature;       ///< As declared; may be empty.

  std::string sha256() const { return path.filename().string(); }
  friend bool operator==(const ModelFile&, const ModelFile&) = default;
};

/// What a file has proven, for one signature and build.
enum class Proof : std::uint8_t { kNone, kLoads, kServes };
Proof ReadProof(const ModelFile& model, const std::string& stamp);
/// Remembers it beside the file, so that a restart does not ask again.
Status WriteProof(const ModelFile& model, const std::string& stamp, Proof proof);
void ForgetProofs(const std::filesystem::path& file);
/// Whether the artifact has been proved under any signature.
bool HasProofs(const std::filesystem::path& file);

/// Threads: any.
class Guard {
 public:
  /// `board` may be null: then nothing is marked. All but the options outlive the guard.
  Guard(GuardOptions options_in, const Clock& clock_in, Quarantine& quarantine_in,
        InflightBoard* board_in)
      : options(std::move(options_in)),
        clock(clock_in),
        quarantine(quarantine_in),
        board(board_in),
        watch(options.inference_timeout) {}

  using Child = std::shared_ptr<ModelProcess>;
  /// A new process that has loaded and warmed up the model; `note` is what it said.
  ChildResult<Child> Verify(const ModelFile& model, ReadyNote& note);
  /// The process that was kept for the model, else a new one. The caller's alone until it is kept.
  ChildResult<Child> Take(const ModelFile& model);
  /// Beyond limits::kMaxModelProcesses the one that was kept longest is ended.
  void Keep(const ModelFile& model, Child child);
  void Drop(const ModelFile& model);  ///< Ends the one that is kept, if any.

  /// The artifact has done harm: it leaves service, and must prove itself from the start.
  void Condemn(const std::filesystem::path& file, const std::string& reason);
  void NoteHarm(const Harm& harm);
  void NoteTimeout() { timeouts_.fetch_add(1, std::memory_order_relaxed); }
  /// Kills every child and starts no more: whoever waits for one gets an error.
  void Stop();
  void WriteMetrics(Exposition& out) const;

  const GuardOptions options;
  const Clock& clock;
  Quarantine& quarantine;
  InflightBoard* const board;
  RunWatch watch;

 private:
  ChildResult<Child> Start();

  struct Kept {
    ModelFile model;
    Child child;
  };
  std::mutex mutex_;
  std::deque<Kept> kept_;                           // Protected by mutex_, as the next two.
  std::vector<std::weak_ptr<ModelProcess>> alive_;  // All, so that Stop finds those in use.
  bool stopping_ = false;
  std::array<std::atomic<std::uint64_t>, kHarmKinds> harms_{};
  std::atomic<std::uint64_t> timeouts_{0};
};

}  // namespace podium::runtime
