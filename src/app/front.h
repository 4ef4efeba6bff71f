// The one handler that the listener knows: guards the door, then hands on to gateway or control.
#pragma once

#include "auth/principal.h"
#include "net/handler.h"

namespace podium::app {

/// Threads: as the handlers.
class Front final : public net::Handler {
 public:
  Front(const auth::Authenticator& authenticator, net::Handler& gateway, net::Handler& admin,
        net::Handler& mlflow);
  bool TryHandle(net::Exchange& exchange, net::Response& out) override;
  Task<net::Response> Handle(net::Exchange& exchange) override;

 private:
  /// Without a token, who may talk to us at all is decided by Host and Origin.
  Status Guard(const net::Exchange& exchange) const;

  const auth::Authenticator& authenticator_;
  net::Handler& gateway_;
  net::Handler& admin_;
  net::Handler& mlflow_;
};

}  // namespace podium::app
