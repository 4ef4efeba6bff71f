// One run of the demo against a server that listens: seed, call, show, until asked to stop.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/demo_callers.h"
#include "app/demo_chat_callers.h"
#include "app/demo_examples.h"
#include "app/demo_frame.h"
#include "app/demo_screen.h"
#include "app/demo_text.h"
#include "app/demo_watch.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/rng.h"
#include "base/secret.h"
#include "base/task.h"
#include "net/address.h"
#include "net/http_client.h"

namespace podium::app {

struct DemoSessionOptions {
  net::HostPort server;  ///< Where to send to.
  Secret token;          ///< For the API, when one is asked for.
  DemoCandidate candidate = DemoCandidate::kBetter;
  DemoBanner banner;   ///< All but what the session finds out.
  SteadyTime started;  ///< "First request after ..." counts from here.
};

/// Threads: all methods on the executor given at construction.
class DemoSession {
 public:
  static constexpr std::chrono::milliseconds kRefresh{500};
  static constexpr std::chrono::seconds kLineEach{5};        ///< Without a terminal.
  static constexpr std::chrono::seconds kFirstAnswerIn{30};  ///< Else the demo has failed.
  /// Until the rollout: what the primary is like has to be known first.
  static constexpr std::chrono::seconds kRolloutAfter{3};
  static constexpr std::uint64_t kRolloutRequests = 200;  ///< Of its route; the same.

  /// `routes` is what is served and sent; `clock` and `rng` outlive the session.
  DemoSession(DemoSessionOptions options, std::vector<DemoRoute> routes, const Clock& clock,
              Rng& rng, Executor executor);

  /// Runs from the first call of the API to the last words. An error when it could not begin.
  Task<Status> Run();
  /// Makes Run come to its end. Idempotent.
  void Stop();

 private:
  Task<Status> Begin();
  Task<Status> FirstAnswer();
  Task<void> UntilStopped();
  Task<void> Show();
  Task<void> LeadIn();
  const DemoRoute* RouteToLeadIn() const;
  void TellRollout();
  void Draw();
  void PrintLines();
  DemoFrame Frame();
  FrameChat Chat() const;

  DemoSessionOptions options_;
  const std::vector<DemoRoute> routes_;
  const Clock& clock_;
  net::HttpClient client_;
  DemoCallers callers_;
  DemoChatCallers chat_callers_;
  ChatRate chat_rate_;
  DemoWatch watch_;
  DemoScreen screen_;
  TaskGroup loops_;
  bool stopping_ = false;
  std::string rollout_trouble_;
  std::string told_;                  ///< Headline of the rollout as it was told last.
  SteadyTime begun_;                  ///< When the traffic began.
  std::vector<std::int64_t> tables_;  ///< Revision of each route at the last look.
  std::vector<std::string> above_;    ///< What was printed first.
};

}  // namespace podium::app
