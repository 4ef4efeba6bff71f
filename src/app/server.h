// The server as one value: everything wired together, started and stopped in order.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "app/settings.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/rng.h"
#include "net/address.h"

namespace podium::runtime {
class ModelLoader;
}  // namespace podium::runtime

namespace podium::app {

/// Threads: Start and Stop block; called from one thread that is not one of the server's own.
class Server {
 public:
  /// Opens the registry, loads what the table wants, listens. Returns once it answers; models may
  /// still be loading (see /readyz). `clock` and `rng` outlive the server.
  static Result<std::unique_ptr<Server>> Start(const Settings& settings, const Clock& clock,
                                               Rng& rng);
  /// What loads models: what one has proven holds for this version of the loader.
  struct Loading {
    std::shared_ptr<runtime::ModelLoader> loader;
    std::string version;
  };
  /// The same with a loader of the caller's. Models are tried out in children of this program,
  /// which must know the verb `model-host` (runtime/model_process.h).
  static Result<std::unique_ptr<Server>> Start(const Settings& settings, const Clock& clock,
                                               Rng& rng, Loading loading);
  ~Server();  ///< Stops.
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Where it listens; the port is the real one when 0 was asked for.
  const net::HostPort& address() const;
  /// Stops accepting, lets running requests end (settings.drain_timeout), closes the store.
  /// Idempotent.
  void Stop();

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace podium::app
