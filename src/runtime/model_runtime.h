// Brings in-process models into memory and keeps them there while somebody wants or uses them.
//
// Level-triggered: the caller states everything that is wanted; what is missing is loaded in the
// background, what is no longer wanted is let go (and unloaded when its last handle is dropped).
// A failed load changes nothing that is served (invariant 7).
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "domain/ids.h"
#include "domain/model.h"
#include "domain/version.h"
#include "runtime/quarantine.h"

namespace podium::runtime {

/// One version's artifact, as the registry describes it.
struct WantedModel {
  ModelId id;
  std::string artifact_uri;
  std::string sha256;     ///< Empty: not checked, computed on load.
  std::string format;     ///< "onnx"
  std::string signature;  ///< Declared signature (JSON) or empty; the model's own rules on types.
};

/// What became of one version here.
struct ModelStatus {
  ModelId id;
  LoadState state = LoadState::kRequested;
  std::string error;  ///< Of the last attempt; empty when there is none.
  int attempts = 0;
  std::optional<SteadyTime> next_try;
  ModelHandle model;         ///< Not null exactly when state is kReady.
  std::string sha256;        ///< Of the bytes that are loaded; empty until then.
  bool quarantined = false;  ///< It has done harm: only Retry loads it again.
};

/// Turns verified bytes on disk into a model. One adapter per format.
/// Threads: Load from several threads at once.
class ModelLoader {
 public:
  virtual ~ModelLoader() = default;
  /// Loads and warms up. `declared` may name columns and refine shapes. kUnprocessable when the
  /// artifact is not a model that this build can serve, with the library's reason.
  virtual Result<ModelHandle> Load(const std::filesystem::path& file,
                                   const std::string& declared) = 0;
  /// The same, telling when the warm-up begins, so that a slow one can be seen.
  virtual Result<ModelHandle> LoadTelling(const std::filesystem::path& file,
                                          const std::string& declared,
                                          const std::function<void()>& warming) {
    (void)warming;
    return Load(file, declared);
  }
};

struct RuntimeOptions {
  std::filesystem::path cache_dir;                    ///< Verified copies, named by checksum.
  std::vector<std::filesystem::path> artifact_roots;  ///< `file:` URIs must lie below one of these.
  int load_threads = 2;  ///< 0: loads run on the threads that call RunNextLoad and EnsureReady.
  std::chrono::seconds retry_first{5};  ///< Doubles up to retry_most.
  std::chrono::seconds retry_most{300};
  std::shared_ptr<Quarantine> quarantine = {};  ///< Of artifacts; null: there is none.
};

/// Threads: all methods from any thread.
class ModelRuntime {
 public:
  /// `changed` is called (from a load thread, without locks held) after any state change.
  ModelRuntime(RuntimeOptions options, const Clock& clock, std::shared_ptr<ModelLoader> onnx,
               std::function<void()> changed);
  ~ModelRuntime();  ///< Waits for the loads under way.
  ModelRuntime(const ModelRuntime&) = delete;
  ModelRuntime& operator=(const ModelRuntime&) = delete;

  /// Replaces the wanted set. Loads once per checksum (and declared signature), however many
  /// placements name it; in the order given. A version whose artifact has changed keeps serving
  /// the old one until the new one is ready.
  void SetWanted(std::vector<WantedModel> wanted);
  /// Loads `model` (even if it is not in the wanted set yet) and waits until it is READY or has
  /// failed: kUnprocessable with the load error; kDeadline after `timeout`;
  /// kUnavailable when stopped. A failed one is tried again at once, before all that waits in line.
  /// The handle keeps it warm until the caller commits and the wanted set has it.
  Result<ModelHandle> EnsureReady(const WantedModel& model, std::chrono::milliseconds timeout);
  /// EnsureReady for one that may be quarantined: a person takes it out and has it tried again.
  Result<ModelHandle> Retry(const WantedModel& model, std::chrono::milliseconds timeout);
  /// Tries failed loads again whose time has come, and frees (on a load thread) the memory of
  /// models whose last handle was dropped. Called each second by the reconciler.
  void RetryDue();

  /// Without load threads: carries out the load that is first in line; false when none waits.
  bool RunNextLoad();

  /// What is wanted, waited for or draining, and the last few that were unloaded.
  std::optional<ModelStatus> StatusOf(const ModelId& id) const;
  std::vector<ModelStatus> Statuses() const;  ///< By id.
  /// Ends waiting calls and waits for the loads under way. Handles stay good.
  void Stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace podium::runtime
