// Asks the server, again and again, what its registry says.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "app/demo_chat.h"
#include "app/demo_examples.h"
#include "app/demo_frame.h"
#include "app/demo_rollout.h"
#include "base/secret.h"
#include "base/task.h"
#include "net/http_client.h"

namespace podium::app {

/// Threads: all methods on the client's executor.
class DemoWatch {
 public:
  static constexpr std::chrono::seconds kTimeout{2};
  static constexpr int kChangesAsked = 20;  ///< Some of them are the demo's own.

  /// All of them outlive this.
  DemoWatch(net::HttpClient& client, const std::vector<DemoRoute>& routes, const Secret& token)
      : client_(client), routes_(routes), token_(token) {}

  /// Takes a new picture; after a failure the last one stays and trouble() says why.
  Task<void> Look();

  const RegistryPicture& picture() const { return picture_; }
  const ChatFigures& chat() const { return chat_; }
  std::optional<double> cost_usd() const { return cost_usd_; }
  const std::optional<DemoRollout>& rollout() const { return rollout_; }
  const std::string& trouble() const { return trouble_; }  ///< Empty when the last look worked.

 private:
  Task<Result<RegistryPicture>> Take();
  Task<Status> TakeVersions(std::string route, RegistryPicture& picture);
  Task<Status> TakeChat();
  Task<Status> TakeRollout();
  Task<Result<std::string>> Get(std::string target);

  net::HttpClient& client_;
  const std::vector<DemoRoute>& routes_;
  const Secret& token_;
  RegistryPicture picture_;
  ChatFigures chat_;
  std::optional<DemoRollout> rollout_;
  std::optional<double> cost_usd_;
  std::string trouble_;
};

}  // namespace podium::app
