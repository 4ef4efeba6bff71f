// One request whose challenger is called beside its champion.
#pragma once

#include <podium/shadow_runner.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "embed/shadow_state.h"

namespace podium::v1 {

/// The side that is through last has the report made, if the champion answered and there is
/// somebody to tell. Holds a place among the pending until it is gone, or, where its caller waits,
/// until the caller may go on. Threads: the champion's methods on the caller's, the challenger's on
/// another or on the same.
class SampledRequest {
 public:
  using Half = std::function<Result<std::chrono::nanoseconds>()>;
  using Report = std::function<void(const ShadowMeeting&)>;

  /// REQUIRES: a place in the state's load has been taken for it.
  SampledRequest(std::shared_ptr<ShadowState> state, Half challenger, Report report);
  SampledRequest(const SampledRequest&) = delete;
  SampledRequest& operator=(const SampledRequest&) = delete;
  ~SampledRequest();

  void CallChallenger();
  /// Instead: the executor let go of the work, or the runner is at its end.
  void DropChallenger();

  /// `took` is absent when it did not answer. True: the report is due, by MakeReport.
  bool EndChampion(std::optional<std::chrono::nanoseconds> took);
  void MakeReport();
  ShadowMeeting AwaitChallenger();  ///< REQUIRES: no report.

 private:
  bool EndChallenger(Result<std::chrono::nanoseconds> took);
  bool Meet();  // REQUIRES: mutex_ held.
  void Tell();

  const std::shared_ptr<ShadowState> state_;
  const Half challenger_;
  const Report report_;
  std::mutex mutex_;  // Over all below.
  std::condition_variable challenger_through_;
  bool champion_ended_ = false;
  bool challenger_ended_ = false;
  std::optional<std::chrono::nanoseconds> champion_took_;
  std::optional<std::chrono::nanoseconds> challenger_took_;
  ShadowMeeting meeting_;
};

}  // namespace podium::v1
