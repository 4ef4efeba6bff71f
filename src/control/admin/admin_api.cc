#include "control/admin/admin_api.h"

#include <utility>

#include "base/log.h"
#include "control/admin/precondition.h"
#include "domain/names.h"
#include "net/media_type.h"

namespace podium::control {
namespace {

// The caller's id when it is fit for logs and headers, else one of ours.
std::string RequestIdOf(const net::RequestHead& head, Rng& rng) {
  const auto given = head.Find("x-request-id");
  if (given && !given->empty() && CheckText("X-Request-Id", *given, limits::kMaxUnitBytes)) {
    return std::string(*given);
  }
  return RandomToken(rng, 14);
}

bool IsMutation(net::HttpMethod method) {
  return method != net::HttpMethod::kGet && method != net::HttpMethod::kHead &&
         method != net::HttpMethod::kOptions;
}

Status CheckJsonBody(const net::RequestHead& head) {
  if (!head.has_body()) return {};
  const auto type = head.Find("content-type");
  if (type && net::IsMediaType(*type, "application/json")) return {};
  // Also what keeps a page elsewhere from posting a form at us without asking first.
  return Fail(ErrorCode::kUnsupportedMedia, "Content-Type must be application/json, not {}",
              type ? *type : "absent");
}

Result<Json> ReadObject(std::string_view bytes) {
  if (bytes.empty()) return Json::object();
  PODIUM_TRY_ASSIGN(Json body, ParseJson(bytes));
  if (!body.is_object()) {
    return Fail(ErrorCode::kInvalidArgument, "the body must be a JSON object, not {}",
                body.type_name());
  }
  return body;
}

// The call's body as JSON.
Task<Status> ReadBody(AdminCall& call, Endpoint::Body kind) {
  if (Status typed = CheckJsonBody(call.exchange.head()); !typed) co_return typed;
  const AdminOptions& options = call.context.options;
  const bool is_large = kind == Endpoint::Body::kLargeJson;
  auto read =
      call.exchange.ReadBody(is_large ? options.max_large_body_bytes : options.max_body_bytes);
  const Result<std::string_view> bytes = co_await std::move(read);
  if (!bytes) co_return Fail(bytes.error());
  Result<Json> body = Json();
  if (is_large) {
    auto parse = RunOn(call.context.pools.reads, [&bytes] { return ReadObject(*bytes); });
    body = co_await std::move(parse);
  } else {
    body = ReadObject(*bytes);
  }
  if (!body) co_return Fail(std::move(body).error());
  call.body = std::move(*body);
  co_return Status();
}

// A condition that nobody looks at would be a lost update that was asked not to happen.
Status CheckPrecondition(const net::RequestHead& head, const Endpoint& endpoint) {
  if (!IsMutation(head.method) || endpoint.precondition == Endpoint::Precondition::kRevision) {
    return {};
  }
  if (!head.Find("if-match")) return {};
  return Fail(
      Error{ErrorCode::kInvalidArgument,
            fmt::format("{} changes nothing that has a revision: leave out If-Match", head.path),
            "If-Match", nullptr});
}

Error NoSuchPath(const net::RequestHead& head) {
  return {ErrorCode::kNotFound,
          fmt::format("there is nothing at {} {}", NameOf(head.method), head.path), "", nullptr};
}

}  // namespace

ModelId VersionIdOf(const AdminCall& call) { return ModelId(std::string(call.captures.Get("id"))); }

net::Response JsonResponse(const Json& value, int status) {
  net::Response response;
  response.status = status;
  response.body = DumpJson(value);
  response.body += '\n';
  return response;
}

AdminApi::AdminApi(const AdminContext& context) : context_(context) {
  AddVersionEndpoints(routes_);
  AddRouteEndpoints(routes_);
  AddExplainEndpoints(routes_);
  AddQualityEndpoints(routes_);
  AddArtifactEndpoints(routes_);
  AddAuditEndpoints(routes_);
  AddMetricEndpoints(routes_);
  AddOperationEndpoints(routes_);
  AddEventEndpoints(routes_);
  if (context_.follow != nullptr) AddFollowEndpoints(routes_);
  if (context_.rollouts != nullptr) {
    AddRolloutEndpoints(routes_);
    AddRolloutReportEndpoints(routes_);
  }
  if (context_.shadows != nullptr) AddShadowEndpoints(routes_);
  if (context_.models != nullptr) {
    AddModelAuditEndpoints(routes_);
    AddImportEndpoints(routes_);
  }
  if (context_.replicas != nullptr) AddReplicaEndpoints(routes_);
  if (context_.costs != nullptr) AddCostEndpoints(routes_);
  if (context_.predictions != nullptr) {
    AddPredictionEndpoints(routes_);
    AddFeedbackEndpoints(routes_);
    AddCompareEndpoints(routes_);
    AddEvaluateEndpoints(routes_);
  }
}

Task<net::Response> AdminApi::Handle(net::Exchange& exchange) {
  const std::string request_id = RequestIdOf(exchange.head(), context_.rng);
  auto serve = Serve(exchange, request_id);
  Result<net::Response> reply = co_await std::move(serve);
  net::Response response;
  if (reply) {
    response = std::move(*reply);
  } else {
    response = net::ProblemResponse(reply.error(), request_id);
    Log(TraitsOf(reply.error().code).log, "admin call failed",
        {{"method", NameOf(exchange.head().method)},
         {"path", exchange.head().path},
         {"status", response.status},
         {"error", Describe(reply.error())},
         {"request_id", request_id}});
  }
  response.headers.Add("x-request-id", request_id);
  co_return response;
}

AdminReply AdminApi::Serve(net::Exchange& exchange, std::string request_id) {
  const net::RequestHead& head = exchange.head();
  AdminRoutes::Match match = routes_.Find(head.method, head.path);
  if (match.value == nullptr && !match.path_found) co_return Fail(NoSuchPath(head));
  if (match.value == nullptr) {
    net::Response refused = net::ProblemResponse(
        {ErrorCode::kMethodNotAllowed,
         fmt::format("{} answers {}, not {}", head.path, match.allow, NameOf(head.method)), "",
         nullptr},
        request_id);
    refused.headers.Add("Allow", match.allow);
    co_return refused;
  }

  const Endpoint& endpoint = *match.value;
  const auth::Credentials credentials{head.Find("authorization").value_or(std::string_view()),
                                      exchange.peer_is_loopback()};
  Result<auth::Principal> principal = context_.authenticator.Identify(credentials);
  if (!principal) co_return Fail(std::move(principal).error());
  if (endpoint.access == Endpoint::Access::kAdmin) {
    if (Status allowed = auth::RequireAdmin(*principal); !allowed) {
      co_return Fail(std::move(allowed).error());
    }
  }

  AdminCall call{context_, exchange, std::move(match.captures), std::move(*principal),
                 std::move(request_id)};
  if (endpoint.body == Endpoint::Body::kJson || endpoint.body == Endpoint::Body::kLargeJson) {
    auto read = ReadBody(call, endpoint.body);
    if (Status fit = co_await std::move(read); !fit) co_return Fail(std::move(fit).error());
  } else if (endpoint.body == Endpoint::Body::kNone && IsMutation(head.method)) {
    // A body that nobody reads is refused rather than ignored: the caller meant something by it.
    if (Status typed = CheckJsonBody(head); !typed) co_return Fail(std::move(typed).error());
  }
  if (Status taken = CheckPrecondition(head, endpoint); !taken) {
    co_return Fail(std::move(taken).error());
  }
  auto serve = endpoint.serve(call);
  Result<net::Response> reply = co_await std::move(serve);
  if (reply || reply.error().code != ErrorCode::kRevisionMismatch) co_return reply;
  LogInfo("If-Match did not hold",
          {{"path", head.path}, {"error", reply.error().message}, {"request_id", call.request_id}});
  auto mismatch = MismatchResponse(call, std::move(reply).error());
  co_return co_await std::move(mismatch);
}

}  // namespace podium::control
