// Stands between libpq and a test server and cuts the connection at one chosen request.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "testing/temp_dir.h"

namespace podium::testing {

/// Requests are what PostgreSQL answers with "ready": a prepare, an execution, a BEGIN, a COMMIT.
/// Threads: all methods from one thread; one of its own carries the bytes.
class PostgresProxy {
 public:
  enum class Cut : std::uint8_t {
    kRequest,  ///< The server never sees it.
    kAnswer,   ///< The server does what it says; the answer is lost.
  };

  /// `server` is PostgresTestServer::directory().
  explicit PostgresProxy(std::string server);
  ~PostgresProxy();
  PostgresProxy(const PostgresProxy&) = delete;
  PostgresProxy& operator=(const PostgresProxy&) = delete;

  /// A URL of the test server, by way of this proxy.
  std::string Through(const std::string& url) const;

  /// The `nth` request from now, from 1, on whatever connection. If it `stays`, nobody gets through
  /// from then on.
  void Arm(int nth, Cut cut, bool stays);
  /// Everything passes again. Whether it was cut.
  bool Disarm();

 private:
  struct Pair;
  void Carry();
  void Accept();
  bool Forward(Pair& pair);  ///< From the client; false when the pair is done for.
  bool Return(Pair& pair);   ///< From the server.
  bool Reached();

  const std::string server_;
  TempDir folder_;
  int listener_ = -1;
  int wake_[2] = {-1, -1};
  std::atomic<int> left_{0};  ///< Requests until the cut; 0: none is wanted.
  std::atomic<Cut> cut_{Cut::kRequest};
  std::atomic<bool> stays_{false};
  std::atomic<bool> struck_{false};
  std::vector<Pair> pairs_;  // The thread's.
  std::thread thread_;
};

}  // namespace podium::testing
