// A model that is not taken at its word: its first inferences run in a process of its own, all
// later ones under a deadline and with a mark that outlives a crash.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "domain/model.h"
#include "runtime/guard.h"

namespace podium::runtime {

/// Inferences that must go well in the model's own process before it is trusted with this one.
inline constexpr std::uint64_t kProbationRuns = 100;
/// Inferences that must then go well in this process before it is trusted with an I/O core: what
/// hangs there holds up everybody.
inline constexpr int kRunsOffTheCores = 100;
/// Inferences in a row that were not answered in time until a proven model leaves service: one may
/// be its caller's doing. On probation, and when it does not stop as told, one is enough.
inline constexpr int kTimeoutsToCondemn = 3;

/// Threads: as LoadedModel.
class WatchedModel final : public LoadedModel {
 public:
  /// `served`: its probation is behind it. `guard` and what it uses outlive every call.
  WatchedModel(std::shared_ptr<Guard> guard, ModelHandle model, ModelFile file, bool served);
  ~WatchedModel() override;

  const Signature& signature() const override { return model_->signature(); }
  /// kDeadline when it took longer than the inference timeout, kUnavailable once it has done harm.
  Result<std::vector<Tensor>> Run(std::span<const Tensor> inputs) const override;
  std::chrono::nanoseconds time_per_row() const override { return model_->time_per_row(); }
  std::string_view warning() const override { return model_->warning(); }
  bool may_run_inline() const override {
    return runs_here_.load(std::memory_order_relaxed) >= kRunsOffTheCores;
  }

 private:
  class Overseer;
  using Outputs = Result<std::vector<Tensor>>;

  Outputs RunOnProbation(std::span<const Tensor> inputs) const;
  Outputs RunProven(std::span<const Tensor> inputs) const;
  Outputs RunInChild(Guard::Child child, std::span<const Tensor> inputs) const;
  Outputs RunMarked(std::span<const Tensor> inputs) const;
  Outputs RunStoppable(ModelRun& run, std::span<const Tensor> inputs) const;
  Outputs AfterHarm(const Harm& harm) const;
  void NoteRun() const;
  void Condemn(const std::string& reason) const;
  Failure Withdrawn() const;
  std::string TookTooLong() const;

  const std::shared_ptr<Guard> guard_;
  const ModelHandle model_;
  const ModelFile file_;
  const ArtifactKey key_;
  mutable std::atomic<bool> proven_;
  mutable std::atomic<bool> withdrawn_{false};
  mutable std::atomic<int> timeouts_{0};   // In a row.
  mutable std::atomic<int> runs_here_{0};  // Of a proven model; counted to kRunsOffTheCores.
  mutable std::mutex probation_;           // Held while the child answers: it does so one by one.
  mutable std::uint64_t runs_ = 0;         // Protected by probation_.
};

}  // namespace podium::runtime
