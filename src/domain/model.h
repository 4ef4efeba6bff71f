// The port through which the gateway runs a model, whatever runs it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/tensor.h"

namespace podium {

/// One run that another thread can end.
class ModelRun {
 public:
  virtual ~ModelRun() = default;
  /// As LoadedModel::Run; kDeadline when it was stopped. Once.
  virtual Result<std::vector<Tensor>> Run(std::span<const Tensor> inputs) = 0;
  /// Asks it to end soon. Threads: any, while it runs.
  virtual void Stop() = 0;
};

/// A model in memory, warmed up, ready to answer.
/// Threads: Run may be called from any number of threads at once.
class LoadedModel {
 public:
  virtual ~LoadedModel() = default;
  virtual const Signature& signature() const = 0;
  /// One output tensor per signature output, in that order.
  /// kInvalidArgument when the inputs do not fit the signature; kInternal when the model fails.
  virtual Result<std::vector<Tensor>> Run(std::span<const Tensor> inputs) const = 0;
  /// Time one row took at warm-up: decides whether a call may run on an I/O core.
  virtual std::chrono::nanoseconds time_per_row() const = 0;
  /// What was odd at warm-up without being a failure, such as NaN from zeros; empty when nothing.
  virtual std::string_view warning() const { return {}; }
  /// Whether a run may be trusted with an I/O core, however quick it is.
  virtual bool may_run_inline() const { return true; }
  /// A run that can be stopped; nullptr when this kind of model has none. The model outlives it.
  virtual std::unique_ptr<ModelRun> NewRun() const { return nullptr; }
};

/// Keeps the model in memory; the runtime unloads it when the last handle is gone.
using ModelHandle = std::shared_ptr<const LoadedModel>;

/// Life of a version in this process.
enum class LoadState : std::uint8_t {
  kRequested,
  kDownloading,
  kVerifying,
  kLoading,
  kWarming,
  kReady,
  kDraining,
  kUnloaded,
  kFailed,
};
std::string_view NameOf(LoadState state);

}  // namespace podium
