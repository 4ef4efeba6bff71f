// The end of a story: the trouble is over, time passes, and everything must come right by itself.
#include <fmt/format.h>

#include "testing/sim/sim_world.h"

namespace podium::testing {
namespace {

constexpr std::chrono::seconds kLookEvery{1};
/// Twice the longest pause between two attempts at a load.
constexpr std::chrono::seconds kPatience{600};

}  // namespace

void SimWorld::EndsWell() {
  trace_.Add("the trouble is over");
  weights_ = {};
  odds_ = {};
  store_down_ = table_empty_ = spoil_next_ = false;
  for (auto& [number, fate] : fates_) fate = {};
  // Who spoils rows by hand mends them by hand, and starts the server anew.
  const bool mended = !bad_.empty() || twin_of_.has_value();
  if (mended && process_) ShutDown();
  if (mended) trace_.Add("the rows are mended");
  bad_.clear();
  twin_of_.reset();
  if (!process_) Boot();

  const SteadyTime end = clock_.SteadyNow() + kPatience;
  std::string missing;
  do {
    PassTime(kLookEvery);
    Settle();
    missing = WhatIsMissing();
  } while (!missing.empty() && clock_.SteadyNow() < end && checks_.failure().empty());
  if (!missing.empty()) checks_.Fail("in the end " + missing);
  const ServerSight sight = process_->sight();
  checks_.AfterStep(*raw_, &sight);
  checks_.AuditIsIntact(*raw_);
  for (int i = 0; i < 20 && checks_.failure().empty(); ++i) {
    Predict();
    Settle();
  }
}

// What is not yet as it should be, in half a sentence; empty when all is well.
std::string SimWorld::WhatIsMissing() {
  if (process_->calls.size() > 0) return "a coroutine has not ended";
  if (std::string undone = rollout_checks_.LeftUndone(*raw_rollouts_); !undone.empty())
    return undone;
  for (const view::ViewCell& cell : process_->cells) {
    const view::CoreView& view = *cell.Pin();
    if (view.generation() != MakeGeneration(0, rows_.revision())) {
      return fmt::format("a core has generation {}, the table {}", view.generation().get(),
                         rows_.revision().get());
    }
    for (const view::RouteView& route : view.routes()) {
      for (std::size_t i = 0; i < route.serving.size(); ++i) {
        const ModelVersion& row = route.route->versions[i];
        const bool good =
            row.artifact_uri != "file:corrupt.onnx" && row.artifact_sha256 != std::string(64, 'a');
        const bool wanted =
            row.status == VersionStatus::kPrimary || row.status == VersionStatus::kCanary ||
            row.status == VersionStatus::kShadow || row.status == VersionStatus::kArm;
        if (good && wanted && !route.serving[i].ready()) {
          return fmt::format("{} ({}) is {}: {}", row.model_id.get(), NameOf(row.status),
                             NameOf(route.serving[i].state), route.serving[i].error);
        }
      }
    }
  }
  return "";
}

}  // namespace podium::testing
