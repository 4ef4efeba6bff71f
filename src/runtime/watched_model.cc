#include "runtime/watched_model.h"

#include <utility>

#include "runtime/signature.h"

namespace podium::runtime {

/// One run in this process: told to stop when it is overdue, given up when it does not.
class WatchedModel::Overseer final : public RunWatch::Late {
 public:
  Overseer(const WatchedModel& model, ModelRun& run) : model_(model), run_(run) {}

  void Overdue(int periods) override {
    if (periods > 1) {
      return model_.Condemn(model_.TookTooLong() + " and did not stop when told to");
    }
    model_.guard_->NoteTimeout();
    const int in_a_row = model_.timeouts_.fetch_add(1) + 1;
    if (in_a_row >= kTimeoutsToCondemn) {
      model_.Condemn(fmt::format("{}, {} times in a row", model_.TookTooLong(), in_a_row));
    }
    run_.Stop();
  }

 private:
  const WatchedModel& model_;
  ModelRun& run_;
};

WatchedModel::WatchedModel(std::shared_ptr<Guard> guard, ModelHandle model, ModelFile file,
                           bool served)
    : guard_(std::move(guard)),
      model_(std::move(model)),
      file_(std::move(file)),
      key_(KeyOf(file_.sha256())),
      proven_(served) {}

WatchedModel::~WatchedModel() { guard_->Drop(file_); }

Result<std::vector<Tensor>> WatchedModel::Run(std::span<const Tensor> inputs) const {
  if (withdrawn_.load(std::memory_order_relaxed)) return Withdrawn();
  if (proven_.load(std::memory_order_relaxed)) return RunProven(inputs);
  return RunOnProbation(inputs);
}

WatchedModel::Outputs WatchedModel::RunOnProbation(std::span<const Tensor> inputs) const {
  const std::lock_guard lock(probation_);
  // Whoever had the lock before us may have settled it.
  if (withdrawn_) return Withdrawn();
  if (proven_) return RunProven(inputs);
  ChildResult<Guard::Child> child = guard_->Take(file_);
  if (child) return RunInChild(std::move(*child), inputs);
  const Harm& harm = child.error();
  if (harm.kind != HarmKind::kTimedOut) return AfterHarm(harm);
  // As at the first load: the machine may be to blame for a slow one.
  guard_->NoteHarm(harm);
  return Fail(ErrorCode::kUnavailable, "the model's own process {}: try again", harm.error.message);
}

WatchedModel::Outputs WatchedModel::RunProven(std::span<const Tensor> inputs) const {
  Outputs outputs = RunMarked(inputs);
  if (outputs && !may_run_inline()) runs_here_.fetch_add(1, std::memory_order_relaxed);
  return outputs;
}

WatchedModel::Outputs WatchedModel::RunInChild(Guard::Child child,
                                               std::span<const Tensor> inputs) const {
  auto outputs = child->Run(inputs, guard_->options.inference_timeout);
  if (!outputs && outputs.error().kind != HarmKind::kRefused) return AfterHarm(outputs.error());
  if (!outputs) {
    guard_->Keep(file_, std::move(child));
    return Fail(std::move(outputs).error().error);
  }
  // It may have written over its memory: its answer is not ours to trust.
  PODIUM_TRY(CheckOutputs(signature(), *outputs));
  NoteRun();
  if (!proven_) guard_->Keep(file_, std::move(child));
  return std::move(*outputs);
}

/// Its process has ended with this inference.
WatchedModel::Outputs WatchedModel::AfterHarm(const Harm& harm) const {
  guard_->NoteHarm(harm);
  switch (harm.kind) {
    case HarmKind::kRefused:  // It does not load any more; the next attempt may.
    case HarmKind::kNotStarted:
      return Fail(harm.error);
    case HarmKind::kTimedOut:
      guard_->NoteTimeout();
      Condemn(fmt::format("{} (inference {})", harm.error.message, runs_ + 1));
      return Fail(ErrorCode::kDeadline, "the model {} and is out of service", harm.error.message);
    case HarmKind::kCrashed:
    case HarmKind::kOutOfMemory:
      Condemn(fmt::format("{} (inference {})", harm.error.message, runs_ + 1));
      break;
  }
  return Withdrawn();
}

void WatchedModel::NoteRun() const {
  if (++runs_ < kProbationRuns) return;
  proven_ = true;
  // Not kept (a full disk): then the next process puts the model on probation again.
  (void)WriteProof(file_, guard_->options.stamp, Proof::kServes);
}

void WatchedModel::Condemn(const std::string& reason) const {
  if (withdrawn_.exchange(true)) return;
  guard_->Condemn(file_.path, reason);
}

Failure WatchedModel::Withdrawn() const {
  const auto reason = guard_->quarantine.Find(file_.sha256());
  return Fail(ErrorCode::kUnavailable,
              "the version that was asked is out of service, as it {}: try again",
              reason.value_or("has done harm"));
}

std::string WatchedModel::TookTooLong() const {
  return fmt::format("took longer than {} while answering",
                     InSeconds(guard_->options.inference_timeout));
}

WatchedModel::Outputs WatchedModel::RunMarked(std::span<const Tensor> inputs) const {
  const InflightBoard::Mark mark(guard_->board, key_, Phase::kProven);
  const std::unique_ptr<ModelRun> stoppable = model_->NewRun();
  if (!stoppable) return model_->Run(inputs);
  return RunStoppable(*stoppable, inputs);
}

WatchedModel::Outputs WatchedModel::RunStoppable(ModelRun& run,
                                                 std::span<const Tensor> inputs) const {
  Overseer overseer(*this, run);
  Outputs outputs = [&] {
    const RunWatch::Watched watched(guard_->watch, overseer);
    return run.Run(inputs);
  }();
  if (!outputs && outputs.error().code == ErrorCode::kDeadline) {
    return Fail(ErrorCode::kDeadline,
                "the model {}: send fewer rows, or raise serving.inference_timeout", TookTooLong());
  }
  // Read first: the counter is on a line that all cores share.
  if (timeouts_.load(std::memory_order_relaxed) != 0) timeouts_ = 0;
  return outputs;
}

}  // namespace podium::runtime
