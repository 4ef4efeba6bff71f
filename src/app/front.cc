#include "app/front.h"

#include "control/mlflow/errors.h"
#include "control/mlflow/mlflow_api.h"
#include "gateway/gateway.h"

namespace podium::app {

Front::Front(const auth::Authenticator& authenticator, net::Handler& gateway, net::Handler& admin,
             net::Handler& mlflow)
    : authenticator_(authenticator), gateway_(gateway), admin_(admin), mlflow_(mlflow) {}

Status Front::Guard(const net::Exchange& exchange) const {
  if (authenticator_.has_token()) return {};
  const net::RequestHead& head = exchange.head();
  return auth::CheckLocalOrigin(head.Find("host").value_or(std::string_view()),
                                head.Find("origin"));
}

bool Front::TryHandle(net::Exchange& exchange, net::Response& out) {
  if (const Status allowed = Guard(exchange); !allowed) {
    if (control::MlflowApi::Serves(exchange.head().path)) {
      out = control::MlflowErrorResponse(allowed.error());
    } else {
      gateway::Gateway::WriteError(exchange.head().path, allowed.error(), out);
    }
    return true;
  }
  return gateway::Gateway::Serves(exchange.head().path) && gateway_.TryHandle(exchange, out);
}

Task<net::Response> Front::Handle(net::Exchange& exchange) {
  // Guarded by TryHandle, which every request passes first.
  const std::string_view path = exchange.head().path;
  if (gateway::Gateway::Serves(path)) return gateway_.Handle(exchange);
  return control::MlflowApi::Serves(path) ? mlflow_.Handle(exchange) : admin_.Handle(exchange);
}

}  // namespace podium::app
