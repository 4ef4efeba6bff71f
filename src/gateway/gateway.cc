#include "gateway/gateway.h"

#include <array>
#include <optional>
#include <string>
#include <utility>

#include "base/limits.h"
#include "base/task.h"
#include "gateway/active_endpoint.h"
#include "gateway/endpoint.h"
#include "gateway/llm_endpoints.h"
#include "gateway/oip_codec.h"
#include "gateway/oip_endpoints.h"
#include "gateway/oip_path.h"
#include "gateway/predict_codec.h"
#include "gateway/shadow_lane.h"
#include "net/media_type.h"
#include "net/target.h"

namespace podium::gateway {
namespace {

constexpr std::string_view kPredictPrefix = "/predict/";

constexpr std::string_view kInternalPrefix = "/internal/";

Arrival ArrivalOf(std::string_view path) {
  Arrival arrival;
  if (path.starts_with(kPredictPrefix)) {
    const std::string_view route = path.substr(kPredictPrefix.size());
    if (!route.empty() && route.find('/') == std::string_view::npos) {
      arrival.endpoint = EndpointId::kPredict;
    } else {
      arrival.refused = Error{ErrorCode::kNotFound, "the path is /predict/ROUTE", "", nullptr};
    }
  } else if (IsOipPath(path)) {
    Result<OipTarget> target = OipTargetOf(path);
    if (target) {
      arrival.oip = *std::move(target);
      arrival.endpoint = IdOf(arrival.oip.endpoint);
    } else {
      arrival.refused = std::move(target).error();
    }
  } else if (IsLlmPath(path)) {
    arrival.endpoint = LlmEndpointAt(path);
  } else if (path == EndpointOf(EndpointId::kActive).example) {
    arrival.endpoint = EndpointId::kActive;
  }
  if (arrival.endpoint == EndpointId::kNothing && !arrival.refused) {
    arrival.refused =
        Error{ErrorCode::kNotFound, fmt::format("there is nothing at {}", path), "", nullptr};
  }
  return arrival;
}

// What a path under /predict asks for; the error is what the caller gets.
Result<CallTarget> PredictTargetOf(const net::RequestHead& head) {
  const std::string_view rest = head.path.substr(kPredictPrefix.size());
  PODIUM_TRY_ASSIGN(std::string route, net::PercentDecode(rest));
  const auto type = head.Find("content-type");
  if (type && !net::IsMediaType(*type, "application/json")) {
    return Fail(ErrorCode::kUnsupportedMedia, "Content-Type must be application/json, not {}",
                *type);
  }
  return CallTarget{std::move(route), ""};
}

/// Everything that a call may be refused for before its body is looked at.
Status Enter(const net::Exchange& exchange, const Arrival& arrival, Passage& passage) {
  PODIUM_TRY(passage.Enter(exchange));
  if (arrival.refused) return Fail(*arrival.refused);
  return CheckVerb(passage.endpoint(), exchange.head());
}

}  // namespace

Gateway::Gateway(const GatewayShared& shared, std::vector<view::ViewCell>& cells)
    : shared_(shared), lanes_(shared_.inference, shared_.clock, shared_.options.lanes) {
  if (shared_.shadows != nullptr) {
    shared_.shadows->SetBusy([this] { return lanes_.waiting() > 0; });
  }
  handed_.resize(cells.size());
  cores_.reserve(cells.size());
  if (shared_.llm) {
    breakers_.emplace(shared_.llm->breaker, shared_.llm->providers.size(), cells.size());
  }
  for (std::size_t i = 0; i < cells.size(); ++i) {
    cores_.push_back(
        std::make_unique<GatewayCore>(shared_, cells[i], i, breakers_ ? &*breakers_ : nullptr));
  }
}

bool Gateway::Serves(std::string_view path) {
  return path.starts_with(kPredictPrefix) || IsOipPath(path) || IsLlmPath(path) ||
         path.starts_with(kInternalPrefix);
}

void Gateway::WriteError(std::string_view path, const Error& error, net::Response& response,
                         std::string_view request_id) {
  if (IsOipPath(path)) return WriteOipError(error, response);
  if (IsLlmPath(path)) return WriteLlmError(path, error, response);
  response = net::ProblemResponse(error, request_id);
}

// The one way in: nothing is asked of a model, and nothing is told, but through the passage.
bool Gateway::TryHandle(net::Exchange& exchange, net::Response& out) {
  GatewayCore& core = *cores_[exchange.core()];
  Arrival arrival = ArrivalOf(exchange.head().path);
  Passage passage(core, arrival.endpoint);
  if (const Status entered = Enter(exchange, arrival, passage); !entered) {
    Refuse(core, exchange, entered.error(), passage, out);
    return true;
  }
  if (TryAnswer(core, exchange, arrival, passage, out)) return true;
  handed_[exchange.core()].emplace(Handed{&exchange, std::move(passage)});
  return false;
}

Task<net::Response> Gateway::Handle(net::Exchange& exchange) {
  GatewayCore& core = *cores_[exchange.core()];
  Arrival arrival = ArrivalOf(exchange.head().path);
  Passage passage = TakeHanded(core, exchange, arrival.endpoint);
  if (const Status entered = Enter(exchange, arrival, passage); !entered) {
    net::Response response;
    Refuse(core, exchange, entered.error(), passage, response);
    co_return response;
  }
  auto answer = Answer(core, exchange, arrival, passage);
  co_return co_await std::move(answer);
}

/// What TryHandle has begun goes on: no hook is asked twice about one call.
Passage Gateway::TakeHanded(GatewayCore& core, const net::Exchange& exchange, EndpointId endpoint) {
  std::optional<Handed> handed = std::exchange(handed_[core.index], std::nullopt);
  if (handed && handed->exchange == &exchange) return std::move(handed->passage);
  return Passage(core, endpoint);
}

bool Gateway::TryAnswer(GatewayCore& core, net::Exchange& exchange, Arrival& arrival,
                        Passage& passage, net::Response& out) {
  switch (arrival.endpoint) {
    case EndpointId::kPredict: {
      PredictCodec codec(core.rows);
      return TryCall(core, exchange, codec, PredictTargetOf(exchange.head()), passage, out);
    }
    case EndpointId::kOipInfer: {
      OipCodec codec(core.oip, exchange.head(), shared_.options.max_body_bytes);
      return TryCall(core, exchange, codec, std::move(arrival.oip.call), passage, out);
    }
    case EndpointId::kOipServer:
    case EndpointId::kOipLive:
    case EndpointId::kOipReady:
    case EndpointId::kOipModels:
    case EndpointId::kOipModel:
    case EndpointId::kOipModelReady:
    case EndpointId::kOipIndex:
    case EndpointId::kOipLoad: {
      const auto body = exchange.TryBody(limits::kMaxAdminBodyBytes);
      if (!body) return false;
      Finish(core, exchange, AnswerOip(core, arrival.oip, *body, passage, out), passage, out);
      return true;
    }
    case EndpointId::kActive:
      Finish(core, exchange, AnswerActive(core, exchange, out), passage, out);
      return true;
    case EndpointId::kModels: {
      Status status = CheckLlmCall(core, exchange.head());
      if (status) status = AnswerModels(core, exchange, passage, out);
      Finish(core, exchange, status, passage, out);
      return true;
    }
    case EndpointId::kChat:
    case EndpointId::kEmbeddings:
    case EndpointId::kResponses:
    case EndpointId::kMessages: {
      const Status fit = CheckLlmCall(core, exchange.head());
      if (fit) return false;  // Somebody else answers: that takes time.
      Finish(core, exchange, fit, passage, out);
      return true;
    }
    case EndpointId::kNothing:
      break;  // Refused at the door.
  }
  return false;
}

// The same with its waits.
Task<net::Response> Gateway::Answer(GatewayCore& core, net::Exchange& exchange, Arrival& arrival,
                                    Passage& passage) {
  switch (arrival.endpoint) {
    case EndpointId::kPredict:
      return AnswerPredict(core, exchange, passage);
    case EndpointId::kOipInfer:
      return AnswerInfer(core, exchange, std::move(arrival.oip.call), passage);
    case EndpointId::kChat:
    case EndpointId::kEmbeddings:
    case EndpointId::kResponses:
    case EndpointId::kMessages:
      return AnswerLlm(core, exchange, passage);
    default:
      return AnswerOnceRead(core, exchange, arrival, passage);
  }
}

Task<net::Response> Gateway::AnswerPredict(GatewayCore& core, net::Exchange& exchange,
                                           Passage& passage) {
  PredictCodec codec(core.rows);
  auto call = Call(core, exchange, codec, PredictTargetOf(exchange.head()), passage);
  co_return co_await std::move(call);
}

Task<net::Response> Gateway::AnswerInfer(GatewayCore& core, net::Exchange& exchange,
                                         Result<CallTarget> target, Passage& passage) {
  OipCodec codec(core.oip, exchange.head(), shared_.options.max_body_bytes);
  auto call = Call(core, exchange, codec, std::move(target), passage);
  co_return co_await std::move(call);
}

/// What answers at once when its body is here.
Task<net::Response> Gateway::AnswerOnceRead(GatewayCore& core, net::Exchange& exchange,
                                            Arrival& arrival, Passage& passage) {
  auto read = exchange.ReadBody(limits::kMaxAdminBodyBytes);
  const Result<std::string_view> body = co_await std::move(read);
  net::Response response;
  if (!body) {
    Refuse(core, exchange, body.error(), passage, response);
  } else {
    TryAnswer(core, exchange, arrival, passage, response);
  }
  co_return response;
}

// The whole life of a call that nothing holds up. False: not answered, and nothing counted.
bool Gateway::TryCall(GatewayCore& core, net::Exchange& exchange, CallCodec& codec,
                      Result<CallTarget> target, Passage& passage, net::Response& out) {
  if (!target) {
    Refuse(core, exchange, target.error(), passage, out);
    return true;
  }
  const auto body = exchange.TryBody(shared_.options.max_body_bytes);
  if (!body) return false;
  PredictCall call(core, exchange, codec, std::move(*target), passage);
  if (!*body) {
    call.Refuse(body->error(), out);
    return true;
  }
  if (const Status prepared = call.Prepare(**body); !prepared) {
    call.Refuse(prepared.error(), out);
    return true;
  }
  if (!call.runs_inline() || call.is_challenged()) return false;
  call.Enter();
  call.CopyToShadows();
  call.Answer(call.Run(), out);
  return true;
}

// The same with its waits: for the body, and for a model that may not run on the core.
Task<net::Response> Gateway::Call(GatewayCore& core, net::Exchange& exchange, CallCodec& codec,
                                  Result<CallTarget> target, Passage& passage) {
  net::Response response;
  if (!target) {
    Refuse(core, exchange, target.error(), passage, response);
    co_return response;
  }
  PredictCall call(core, exchange, codec, std::move(*target), passage);
  auto read = exchange.ReadBody(shared_.options.max_body_bytes);
  const Result<std::string_view> body = co_await std::move(read);
  if (!body) {
    call.Refuse(body.error(), response);
    co_return response;
  }
  if (const Status prepared = call.Prepare(*body); !prepared) {
    call.Refuse(prepared.error(), response);
    co_return response;
  }
  call.Enter();
  call.CopyToShadows();
  call.AskChallenger(lanes_);
  auto run = RunModel(call);
  Result<std::vector<Tensor>> outputs = co_await std::move(run);
  if (call.awaits_challenger()) {
    auto wait = call.AwaitChallenger();
    co_await std::move(wait);
  }
  call.Answer(std::move(outputs), response);
  co_return response;
}

// Here, or on the pool.
Task<Result<std::vector<Tensor>>> Gateway::RunModel(const PredictCall& call) {
  if (call.runs_inline()) co_return call.Run();
  InferenceLanes::Lane lane(lanes_, call.model());
  auto run = RunOn(lane, [&call] { return call.Run(); });
  co_return co_await std::move(run);
}

/// The end of a call that asked no model.
void Gateway::Finish(GatewayCore& core, const net::Exchange& exchange, const Status& status,
                     Passage& passage, net::Response& out) {
  if (!status) return Refuse(core, exchange, status.error(), passage, out);
  passage.Record(out.status);
}

/// For calls that fail before there is a route to speak of.
void Gateway::Refuse(GatewayCore& core, const net::Exchange& exchange, const Error& error,
                     Passage& passage, net::Response& out) {
  core.CountRejected(error.code);
  const std::string_view path = exchange.head().path;
  const std::string& request_id = passage.MadeRequestId();
  WriteError(path, error, out, request_id);
  out.headers.Add("x-request-id", request_id);
  if (DialectOf(path) == llm::Surface::kMessages) out.headers.Add("request-id", request_id);
  if (error.code == ErrorCode::kMethodNotAllowed) {
    out.headers.Add("Allow", passage.endpoint().verbs);
  }
  if (error.code == ErrorCode::kUnavailable) out.headers.Add("Retry-After", kRetryAfterSeconds);
  passage.Record(out.status);
}

void Gateway::EndInference() {
  for (const auto& core : cores_) core->ending.store(true, std::memory_order_relaxed);
}

void Gateway::WriteMetrics(Exposition& out) const {
  std::array<std::uint64_t, kErrorCodeCount> sums{};
  for (const auto& core : cores_) {
    for (std::size_t i = 0; i < sums.size(); ++i) {
      sums[i] += core->rejected[i].load(std::memory_order_relaxed);
    }
  }
  out.Family("podium_rejected_requests_total", "counter", "Predictions answered with an error.");
  for (std::size_t i = 0; i < sums.size(); ++i) {
    if (sums[i] == 0) continue;
    out.Sample({{"code", TraitsOf(static_cast<ErrorCode>(i)).slug}}, static_cast<double>(sums[i]));
  }
  out.Family("podium_inference_queue", "gauge", "Inferences that wait for the pool.");
  out.Sample({}, static_cast<double>(lanes_.waiting()));
  if (shared_.shadows != nullptr) {
    out.Family("podium_shadow_queue", "gauge", "Copies for models in this process that are open.");
    out.Sample({}, static_cast<double>(shared_.shadows->waiting()));
  }
  if (shared_.llm) WriteLlmMetrics(out);
}

bool Gateway::IsBroken(std::string_view provider, std::string_view model) const {
  if (!breakers_) return false;
  const std::size_t index = shared_.llm->providers.IndexOf(provider);
  const SteadyTime now = shared_.clock.SteadyNow();
  bool broken = false;
  breakers_->ForEach([&](const BoardedBreaker& breaker) {
    const bool named = breaker.provider() == index && breaker.model() == model;
    if (named && !breaker.is_shared()) broken = breaker.state(now) != BreakerState::kClosed;
  });
  return broken;
}

void Gateway::WriteLlmMetrics(Exposition& out) const {
  const ProviderTable& table = shared_.llm->providers;
  std::vector<const LlmMetrics*> metrics;
  for (const auto& core : cores_) metrics.push_back(&core->llm->metrics);
  LlmMetrics::Write(metrics, table, out);
  std::size_t draining = 0;
  for (const auto& core : cores_) draining += core->llm->draining.load(std::memory_order_relaxed);
  out.Family("podium_llm_draining_streams", "gauge",
             "Streams whose caller has left and that are read on for their usage.");
  out.Sample({}, static_cast<double>(draining));
  out.Family("podium_llm_breaker_state", "gauge",
             "1 for the state that the breaker of a model is in; closed ones are not shown.");
  const SteadyTime now = shared_.clock.SteadyNow();
  breakers_->ForEach([&](const BoardedBreaker& breaker) {
    const BreakerState state = breaker.state(now);
    if (state == BreakerState::kClosed) return;
    out.Sample({{"provider", table.At(breaker.provider()).name},
                {"model", breaker.is_shared() ? "other" : breaker.model()},
                {"state", NameOf(state)}},
               1);
  });
}

void Gateway::SetPrices(std::size_t core, std::shared_ptr<const ledger::PriceBook> prices) {
  if (cores_[core]->llm) cores_[core]->llm->prices = std::move(prices);
}

}  // namespace podium::gateway
