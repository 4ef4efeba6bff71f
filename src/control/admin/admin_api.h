// The control plane's HTTP face: finds the endpoint, checks who calls, reads the body, answers.
#pragma once

#include "control/admin/context.h"
#include "net/handler.h"

namespace podium::control {

/// Threads: Handle on any core; immutable after construction.
class AdminApi final : public net::Handler {
 public:
  explicit AdminApi(const AdminContext& context);
  Task<net::Response> Handle(net::Exchange& exchange) override;

 private:
  AdminReply Serve(net::Exchange& exchange, std::string request_id);

  const AdminContext& context_;
  AdminRoutes routes_;
};

}  // namespace podium::control
