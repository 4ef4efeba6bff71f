#include "gateway/gateway.h"

#include <array>
#include <optional>
#include <utility>

#include "base/limits.h"
#include "base/task.h"
#include "gateway/active_endpoint.h"
#include "gateway/oip_codec.h"
#include "gateway/oip_endpoints.h"
#include "gateway/oip_path.h"
#include "gateway/predict_codec.h"
#include "net/media_type.h"
#include "net/target.h"

namespace podium::gateway {
namespace {

constexpr std::string_view kPredictPrefix = "/predict/";

// What a path under /predict asks for; the error is what the caller gets.
Result<CallTarget> PredictTargetOf(const net::RequestHead& head) {
  const std::string_view rest = head.path.substr(kPredictPrefix.size());
  PODIUM_TRY_ASSIGN(std::string route, net::PercentDecode(rest));
  if (route.empty() || rest.find('/') != std::string_view::npos) {
    return Fail(ErrorCode::kNotFound, "the path is /predict/ROUTE");
  }
  if (head.method != net::HttpMethod::kPost) {
    return Fail(ErrorCode::kMethodNotAllowed, "/predict/{} answers POST", route);
  }
  const auto type = head.Find("content-type");
  if (type && !net::IsMediaType(*type, "application/json")) {
    return Fail(ErrorCode::kUnsupportedMedia, "Content-Type must be application/json, not {}",
                *type);
  }
  return CallTarget{std::move(route), ""};
}

Result<CallTarget> InferTargetOf(OipTarget target, const net::RequestHead& head) {
  PODIUM_TRY(CheckVerb(target.endpoint, head));
  return std::move(target.call);
}

}  // namespace

Gateway::Gateway(const GatewayShared& shared, std::vector<view::ViewCell>& cells)
    : shared_(shared), lanes_(shared_.inference, shared_.clock, shared_.options.lanes) {
  cores_.reserve(cells.size());
  for (std::size_t i = 0; i < cells.size(); ++i) {
    cores_.push_back(std::make_unique<GatewayCore>(shared_, cells[i], i));
  }
}

bool Gateway::Serves(std::string_view path) {
  return path.starts_with(kPredictPrefix) || IsOipPath(path) || path.starts_with("/internal/");
}

void Gateway::WriteError(std::string_view path, const Error& error, net::Response& response) {
  if (IsOipPath(path)) return WriteOipError(error, response);
  response = net::ProblemResponse(error);
}

bool Gateway::TryHandle(net::Exchange& exchange, net::Response& out) {
  GatewayCore& core = *cores_[exchange.core()];
  const net::RequestHead& head = exchange.head();
  if (head.path.starts_with(kPredictPrefix)) {
    PredictCodec codec(core.rows);
    return TryCall(core, exchange, codec, PredictTargetOf(head), out);
  }
  if (IsOipPath(head.path)) return TryOip(core, exchange, out);
  AnswerActive(core, exchange, out);
  return true;
}

bool Gateway::TryOip(GatewayCore& core, net::Exchange& exchange, net::Response& out) {
  Result<OipTarget> target = OipTargetOf(exchange.head().path);
  if (target && target->endpoint == OipEndpoint::kInfer) {
    OipCodec codec(core.oip, exchange.head(), shared_.options.max_body_bytes);
    return TryCall(core, exchange, codec, InferTargetOf(std::move(*target), exchange.head()), out);
  }
  const auto body = exchange.TryBody(limits::kMaxAdminBodyBytes);
  if (!body) return false;
  AnswerOip(core, exchange, target, *body, out);
  return true;
}

// The whole life of a call that nothing holds up. False: not answered, and nothing counted.
bool Gateway::TryCall(GatewayCore& core, net::Exchange& exchange, CallCodec& codec,
                      Result<CallTarget> target, net::Response& out) {
  if (!target) {
    RefuseEarly(core, exchange, codec, target.error(), out);
    return true;
  }
  const auto body = exchange.TryBody(shared_.options.max_body_bytes);
  if (!body) return false;
  PredictCall call(core, exchange, codec, std::move(*target));
  if (!*body) {
    call.Refuse(body->error(), out);
    return true;
  }
  if (const Status prepared = call.Prepare(**body); !prepared) {
    call.Refuse(prepared.error(), out);
    return true;
  }
  if (!call.runs_inline()) return false;
  call.Answer(call.Run(), out);
  return true;
}

Task<net::Response> Gateway::Handle(net::Exchange& exchange) {
  GatewayCore& core = *cores_[exchange.core()];
  if (IsOipPath(exchange.head().path)) {
    auto oip = Oip(core, exchange);
    co_return co_await std::move(oip);
  }
  if (exchange.head().path.starts_with(kPredictPrefix)) {
    PredictCodec codec(core.rows);
    auto call = Call(core, exchange, codec, PredictTargetOf(exchange.head()));
    co_return co_await std::move(call);
  }
  net::Response response;
  AnswerActive(core, exchange, response);
  co_return response;
}

Task<net::Response> Gateway::Oip(GatewayCore& core, net::Exchange& exchange) {
  Result<OipTarget> target = OipTargetOf(exchange.head().path);
  if (target && target->endpoint == OipEndpoint::kInfer) {
    OipCodec codec(core.oip, exchange.head(), shared_.options.max_body_bytes);
    auto call = Call(core, exchange, codec, InferTargetOf(std::move(*target), exchange.head()));
    co_return co_await std::move(call);
  }
  net::Response response;
  auto read = exchange.ReadBody(limits::kMaxAdminBodyBytes);
  const Result<std::string_view> body = co_await std::move(read);
  AnswerOip(core, exchange, target, body, response);
  co_return response;
}

// The same with its waits: for the body, and for a model that may not run on the core.
Task<net::Response> Gateway::Call(GatewayCore& core, net::Exchange& exchange, CallCodec& codec,
                                  Result<CallTarget> target) {
  net::Response response;
  if (!target) {
    RefuseEarly(core, exchange, codec, target.error(), response);
    co_return response;
  }
  PredictCall call(core, exchange, codec, std::move(*target));
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
  if (call.runs_inline()) {
    call.Answer(call.Run(), response);
    co_return response;
  }
  InferenceLanes::Lane lane(lanes_, call.model());
  auto run = RunOn(lane, [&call] { return call.Run(); });
  Result<std::vector<Tensor>> outputs = co_await std::move(run);
  // A full queue is this server's overload, not a limit that the caller has used up.
  if (!outputs && outputs.error().code == ErrorCode::kLimited) {
    call.Refuse(std::move(outputs).error().Wrap(
                    ErrorCode::kUnavailable,
                    "this server is busy with other predictions: try again shortly"),
                response);
    co_return response;
  }
  call.Answer(std::move(outputs), response);
  co_return response;
}

// For calls that fail before there is a route to speak of.
void Gateway::RefuseEarly(GatewayCore& core, net::Exchange& exchange, CallCodec& codec,
                          const Error& error, net::Response& response) {
  PredictCall call(core, exchange, codec, {});
  call.Refuse(error, response);
  if (error.code == ErrorCode::kMethodNotAllowed) response.headers.Add("Allow", "POST");
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
}

}  // namespace podium::gateway
