// The demo's fake providers: two listeners on loopback, in this process, that answer as
// demo_fake_model.h says.
#pragma once

#include <memory>

#include "app/demo_fake_model.h"
#include "app/settings.h"
#include "base/clock.h"
#include "base/result.h"
#include "net/core_pool.h"
#include "net/handler.h"
#include "net/server_group.h"

namespace podium::app {

inline constexpr const char* kMoodyProvider = "fake-moody";
inline constexpr const char* kSteadyProvider = "fake-steady";

/// One of them: POST /v1/chat/completions, and nothing else.
/// Threads: one core.
class FakeProvider final : public net::Handler {
 public:
  /// `clock` outlives this; bad spells count from now.
  FakeProvider(std::string name, FakeCharacter character, const Clock& clock);

  Task<net::Response> Handle(net::Exchange& exchange) override;

 private:
  const std::string name_;
  const FakeCharacter character_;
  const Clock& clock_;
  const SteadyTime started_;
  std::uint64_t calls_ = 0;
};

/// Threads: made and destroyed by one that is not the providers' own.
class DemoProviders {
 public:
  /// Listens on two free ports. `clock` outlives this.
  static Result<std::unique_ptr<DemoProviders>> Start(const Clock& clock);

  /// Makes them known under their names.
  void AddTo(Settings& settings) const;

 private:
  explicit DemoProviders(const Clock& clock);

  net::CorePool core_;
  FakeProvider moody_;
  FakeProvider steady_;
  std::unique_ptr<net::ServerGroup> moody_listener_;
  std::unique_ptr<net::ServerGroup> steady_listener_;
};

}  // namespace podium::app
