#include "embed/sampled_request.h"

#include <atomic>
#include <utility>

#include "embed/convert.h"
#include "embed/foreign_call.h"

namespace podium::v1 {

SampledRequest::SampledRequest(std::shared_ptr<ShadowState> state, Half challenger, Report report)
    : state_(std::move(state)), challenger_(std::move(challenger)), report_(std::move(report)) {
  meeting_.sampled = true;
}

SampledRequest::~SampledRequest() {
  if (report_) state_->load.LeavePlace();
}

void SampledRequest::CallChallenger() {
  if (!state_->load.Begin()) return DropChallenger();
  auto called = CallForeign("the challenger", challenger_);
  Result<std::chrono::nanoseconds> took =
      called ? *std::move(called) : Result<std::chrono::nanoseconds>(Refuse(called.error()));
  if (!took) state_->challenger_errors.fetch_add(1, std::memory_order_relaxed);
  if (EndChallenger(std::move(took))) Tell();
  state_->load.End();
}

void SampledRequest::DropChallenger() {
  state_->shed_requests.fetch_add(1, std::memory_order_relaxed);
  const auto dropped = Fail(podium::ErrorCode::kLimited, "the challenger's call was dropped");
  if (EndChallenger(Refuse(dropped))) MakeReport();
}

bool SampledRequest::EndChampion(std::optional<std::chrono::nanoseconds> took) {
  const std::lock_guard lock(mutex_);
  champion_ended_ = true;
  champion_took_ = took;
  return Meet();
}

bool SampledRequest::EndChallenger(Result<std::chrono::nanoseconds> took) {
  const std::lock_guard lock(mutex_);
  challenger_ended_ = true;
  if (took) {
    challenger_took_ = *took;
  } else {
    meeting_.challenger_error = std::move(took).error();
  }
  // Before the caller goes on: its next request must find the place free.
  if (!report_) state_->load.LeavePlace();
  challenger_through_.notify_all();
  return Meet();
}

bool SampledRequest::Meet() {
  if (!champion_ended_ || !challenger_ended_) return false;
  if (champion_took_ && challenger_took_) {
    meeting_.latency_delta = *challenger_took_ - *champion_took_;
  }
  return champion_took_ && report_;
}

void SampledRequest::MakeReport() {
  if (!state_->load.Begin()) return;
  Tell();
  state_->load.End();
}

// Both sides are through: nothing changes any more, and no lock is needed.
void SampledRequest::Tell() {
  static_cast<void>(CallForeign("the callback", [this] { report_(meeting_); }));
}

ShadowMeeting SampledRequest::AwaitChallenger() {
  std::unique_lock lock(mutex_);
  challenger_through_.wait(lock, [this] { return challenger_ended_; });
  return meeting_;
}

}  // namespace podium::v1
