// Models whose loads do what a simulation says, and whose answers tell which artifact they are.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "runtime/model_runtime.h"
#include "testing/sim/sim_faults.h"

namespace podium::testing {

/// What the next loads of one artifact will do, and the last ones did. Outlives the process that
/// loads it.
struct ArtifactFate {
  bool broken = false;
  std::chrono::milliseconds takes{0};
  std::chrono::nanoseconds per_row{1};  ///< Above the inline limit: its calls go to the pool.
  bool has_loaded = false;              ///< In any process.
  bool has_failed = false;              ///< Since it last loaded.
};

/// An artifact is a text file that holds its number; anything else is corrupt.
/// Threads: one at a time.
class SimLoader final : public runtime::ModelLoader {
 public:
  /// `pass` lets virtual time pass, and the rest of the world go on, during a load; false when the
  /// process died meanwhile.
  using Pass = std::function<bool(std::chrono::milliseconds)>;
  SimLoader(std::map<int, ArtifactFate>& fates, FaultCounts& faults, Pass pass)
      : fates_(fates), faults_(faults), pass_(std::move(pass)) {}

  Result<ModelHandle> Load(const std::filesystem::path& file, const std::string& declared) override;

 private:
  std::map<int, ArtifactFate>& fates_;
  FaultCounts& faults_;
  const Pass pass_;
};

}  // namespace podium::testing
