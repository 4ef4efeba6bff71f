// The data plane's HTTP face: /predict/{route}, /v2 (Open Inference Protocol), /v1 (language
// models), /internal.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/exposition.h"
#include "gateway/gateway_core.h"
#include "gateway/oip_path.h"
#include "gateway/passage.h"
#include "gateway/predict_call.h"
#include "net/handler.h"

namespace podium::gateway {

/// Where a request wants to go.
struct Arrival {
  EndpointId endpoint = EndpointId::kNothing;
  OipTarget oip;
  std::optional<Error> refused;  ///< What the path is refused for, once the caller is known.
};

/// Threads: TryHandle and Handle on any core, each using that core's part only; WriteMetrics
/// anywhere.
class Gateway final : public net::Handler {
 public:
  /// `cells` has one cell per core. All references outlive the gateway.
  Gateway(const GatewayShared& shared, std::vector<view::ViewCell>& cells);

  /// Whether a path belongs to the data plane.
  static bool Serves(std::string_view path);
  /// An error as the protocol of that path writes it, for who refuses before the gateway is asked.
  static void WriteError(std::string_view path, const Error& error, net::Response& response,
                         std::string_view request_id = {});

  /// Answers without a coroutine when the body is here and the model is quick.
  bool TryHandle(net::Exchange& exchange, net::Response& out) override;
  Task<net::Response> Handle(net::Exchange& exchange) override;
  void WriteMetrics(Exposition& out) const;
  /// Whether calls to this upstream model are held back by its breaker, which is open or half open.
  /// Threads: any.
  bool IsBroken(std::string_view provider, std::string_view model) const;
  /// What calls are charged by from now on. On that core only.
  void SetPrices(std::size_t core, std::shared_ptr<const ledger::PriceBook> prices);
  /// Lets calls start that wait behind long ones. To be called every 100 ms or so, on any thread.
  void RelieveInference() { lanes_.Relieve(); }
  /// From now on calls that wait for a model are answered with 503. Threads: any.
  void EndInference();

 private:
  /// A call on its way from TryHandle to Handle, which follows at once.
  struct Handed {
    const net::Exchange* exchange;
    Passage passage;
  };
  Passage TakeHanded(GatewayCore& core, const net::Exchange& exchange, EndpointId endpoint);
  bool TryAnswer(GatewayCore& core, net::Exchange& exchange, Arrival& arrival, Passage& passage,
                 net::Response& out);
  Task<net::Response> Answer(GatewayCore& core, net::Exchange& exchange, Arrival& arrival,
                             Passage& passage);
  bool TryCall(GatewayCore& core, net::Exchange& exchange, CallCodec& codec,
               Result<CallTarget> target, Passage& passage, net::Response& out);
  Task<net::Response> AnswerPredict(GatewayCore& core, net::Exchange& exchange, Passage& passage);
  Task<net::Response> AnswerInfer(GatewayCore& core, net::Exchange& exchange,
                                  Result<CallTarget> target, Passage& passage);
  Task<net::Response> Call(GatewayCore& core, net::Exchange& exchange, CallCodec& codec,
                           Result<CallTarget> target, Passage& passage);
  Task<net::Response> AnswerOnceRead(GatewayCore& core, net::Exchange& exchange, Arrival& arrival,
                                     Passage& passage);
  Task<Result<std::vector<Tensor>>> RunModel(const PredictCall& call);
  static void Finish(GatewayCore& core, const net::Exchange& exchange, const Status& status,
                     Passage& passage, net::Response& out);
  static void Refuse(GatewayCore& core, const net::Exchange& exchange, const Error& error,
                     Passage& passage, net::Response& out);
  void WriteLlmMetrics(Exposition& out) const;

  const GatewayShared shared_;
  InferenceLanes lanes_;
  std::optional<BreakerBoard> breakers_;
  std::vector<std::unique_ptr<GatewayCore>> cores_;
  std::vector<std::optional<Handed>> handed_;  // By core; touched on that core only.
};

}  // namespace podium::gateway
