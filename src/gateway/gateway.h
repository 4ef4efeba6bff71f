// The data plane's HTTP face: /predict/{route}, /v2 (Open Inference Protocol), /internal.
#pragma once

#include <memory>
#include <vector>

#include "base/exposition.h"
#include "gateway/gateway_core.h"
#include "gateway/predict_call.h"
#include "net/handler.h"

namespace podium::gateway {

/// Threads: TryHandle and Handle on any core, each using that core's part only; WriteMetrics
/// anywhere.
class Gateway final : public net::Handler {
 public:
  /// `cells` has one cell per core. All references outlive the gateway.
  Gateway(const GatewayShared& shared, std::vector<view::ViewCell>& cells);

  /// Whether a path belongs to the data plane.
  static bool Serves(std::string_view path);
  /// An error as the protocol of that path writes it, for who refuses before the gateway is asked.
  static void WriteError(std::string_view path, const Error& error, net::Response& response);

  /// Answers without a coroutine when the body is here and the model is quick.
  bool TryHandle(net::Exchange& exchange, net::Response& out) override;
  Task<net::Response> Handle(net::Exchange& exchange) override;
  void WriteMetrics(Exposition& out) const;
  /// Lets calls start that wait behind long ones. To be called every 100 ms or so, on any thread.
  void RelieveInference() { lanes_.Relieve(); }
  /// From now on calls that wait for a model are answered with 503. Threads: any.
  void EndInference();

 private:
  bool TryOip(GatewayCore& core, net::Exchange& exchange, net::Response& out);
  Task<net::Response> Oip(GatewayCore& core, net::Exchange& exchange);
  bool TryCall(GatewayCore& core, net::Exchange& exchange, CallCodec& codec,
               Result<CallTarget> target, net::Response& out);
  Task<net::Response> Call(GatewayCore& core, net::Exchange& exchange, CallCodec& codec,
                           Result<CallTarget> target);
  static void RefuseEarly(GatewayCore& core, net::Exchange& exchange, CallCodec& codec,
                          const Error& error, net::Response& response);

  const GatewayShared shared_;
  InferenceLanes lanes_;
  std::vector<std::unique_ptr<GatewayCore>> cores_;
};

}  // namespace podium::gateway
