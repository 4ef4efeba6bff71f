#include "control/mlflow/mlflow_api.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "base/log.h"
#include "control/mlflow/errors.h"
#include "control/mlflow/upstream.h"
#include "domain/names.h"
#include "net/media_type.h"
#include "net/target.h"
#include "runtime/path_text.h"

namespace podium::control {
namespace {

using net::HttpMethod;

constexpr std::array<std::string_view, 2> kPrefixes = {"/api/2.0/mlflow/", "/ajax-api/2.0/mlflow/"};
constexpr std::array<std::string_view, 2> kArtifactPrefixes = {"/api/2.0/mlflow-artifacts/",
                                                               "/ajax-api/2.0/mlflow-artifacts/"};
constexpr std::array<std::string_view, 4> kTrackingPrefixes = {
    "/api/2.0/mlflow/", "/api/3.0/mlflow/", "/ajax-api/2.0/mlflow/", "/ajax-api/3.0/mlflow/"};
// Never the tracking server's: two registries under one name would tell different stories.
constexpr std::array<std::string_view, 3> kOwnResources = {"registered-models", "model-versions",
                                                           "webhooks"};

// What follows the first of `prefixes` that `path` has.
template <std::size_t kSize>
std::optional<std::string_view> Behind(const std::array<std::string_view, kSize>& prefixes,
                                       std::string_view path) {
  for (const std::string_view prefix : prefixes) {
    if (path.starts_with(prefix)) return path.substr(prefix.size());
  }
  return std::nullopt;
}

// A path up to its end or to a slash.
bool IsAt(std::string_view path, std::string_view resource) {
  return path.starts_with(resource) &&
         (path.size() == resource.size() || path[resource.size()] == '/');
}

// Whoever stands behind us may join, resolve or decode once more: then it would see another path
// than the one judged here.
bool IsPlainSegment(const std::string& segment) {
  return !segment.empty() && segment != "." && segment != ".." &&
         segment.find_first_of("/\\") == std::string::npos && !runtime::HasControl(segment) &&
         runtime::DecodedFully(segment) == segment;
}

/// The first step behind MLflow's prefix, decoded. kInvalidArgument for a path that could be read
/// in more than one way. REQUIRES: MlflowApi::Serves, and not an artifact's.
Result<std::string> TrackingResource(std::string_view path) {
  const std::optional<std::string_view> behind = Behind(kTrackingPrefixes, path);
  PODIUM_TRY_ASSIGN(const std::vector<std::string> segments,
                    net::SplitPath("/" + std::string(behind.value_or(""))));
  if (segments.empty() || !std::ranges::all_of(segments, IsPlainSegment)) {
    return Fail(ErrorCode::kInvalidArgument,
                "the path holds a step that is empty, '.' or '..', or an encoded slash: write it "
                "without");
  }
  return segments.front();
}

std::string RequestIdOf(const net::RequestHead& head, Rng& rng) {
  const auto given = head.Find("x-request-id");
  if (given && !given->empty() && CheckText("X-Request-Id", *given, limits::kMaxUnitBytes)) {
    return std::string(*given);
  }
  return RandomToken(rng, 14);
}

Status CheckJsonBody(const net::RequestHead& head) {
  const auto type = head.Find("content-type");
  if (type && net::IsMediaType(*type, "application/json")) return {};
  // Also what keeps a page elsewhere from posting a form at us without asking first.
  return Fail(ErrorCode::kInvalidArgument,
              "Bad Request. Content-Type must be one of ['application/json'].");
}

net::Response Plain(std::string text) {
  net::Response response;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::move(text);
  return response;
}

// What clients ask for once before they load artifacts.
net::Response ServerInfo() {
  return MlflowResponse({{"store_type", "SqlStore"},
                         {"workspaces_enabled", false},
                         {"multipart_uploads_enabled", false},
                         {"multipart_downloads_enabled", false}});
}

bool IsServerInfo(std::string_view path) {
  return path == "/api/3.0/mlflow/server-info" || path == "/ajax-api/3.0/mlflow/server-info";
}

net::Response WrongVerb(const net::RequestHead& head, const std::string& allow) {
  net::Response response = MlflowNoEndpoint(
      405, fmt::format("{} answers {}, not {}", head.path, allow, net::NameOf(head.method)));
  response.headers.Add("Allow", allow);
  return response;
}

// The decoded rest of an artifact's path; nullopt when `path` is not below `artifacts`.
Result<std::optional<std::string>> ArtifactPathOf(std::string_view path) {
  constexpr std::string_view kArtifacts = "artifacts";
  if (!IsAt(path, kArtifacts)) return std::optional<std::string>();
  path.remove_prefix(kArtifacts.size());
  if (path.starts_with('/')) path.remove_prefix(1);
  PODIUM_TRY_ASSIGN(std::string decoded, net::PercentDecode(path));
  return std::optional<std::string>(std::move(decoded));
}

}  // namespace

void AddMlflow(MlflowRoutes& routes, HttpMethod method, std::string_view path,
               MlflowEndpoint endpoint) {
  for (const std::string_view prefix : kPrefixes) {
    routes.Add(method, std::string(prefix) + std::string(path), endpoint);
  }
}

net::Response MlflowResponse(const Json& object) { return MlflowText(DumpJson(object)); }

net::Response MlflowText(std::string object) {
  net::Response response;
  response.body = std::move(object);
  return response;
}

Task<Result<store::ModelCommitted>> CarryOut(MlflowCall& call, store::ModelMutation mutation) {
  const MlflowContext& c = call.context;
  if (c.hook.judge) {
    auto judge = RunOn(c.reads, [&] { return c.hook.judge(mutation); });
    if (Status good = co_await std::move(judge); !good) co_return Fail(std::move(good).error());
  }
  const store::ModelCaller caller{call.principal.actor, "mlflow", call.request_id};
  auto write = RunOn(c.writer, [&] { return c.models.ApplyModel(mutation, caller); });
  Result<store::ModelCommitted> done = co_await std::move(write);
  if (done && done->changed && c.hook.changed) c.hook.changed();
  co_return done;
}

MlflowReply AnswerNothing(MlflowCall& call, store::ModelMutation mutation) {
  if (Status fit = call.params.Finish(); !fit) co_return Fail(std::move(fit).error());
  auto carry_out = CarryOut(call, std::move(mutation));
  const Result<store::ModelCommitted> done = co_await std::move(carry_out);
  if (!done) co_return Fail(done.error());
  co_return MlflowResponse();
}

Result<store::ModelSearch> ReadSearch(Params& params, const SearchGrammar& grammar) {
  store::ModelSearch search;
  const std::string filter = params.Text("filter").value_or("");
  const std::vector<std::string> order = params.Texts("order_by");
  search.limit = params.Count("max_results", grammar.standard, grammar.most);
  search.page_token = params.Text("page_token").value_or("");
  PODIUM_TRY(params.Finish());
  PODIUM_TRY_ASSIGN(search.filter, grammar.filter(filter));
  PODIUM_TRY_ASSIGN(search.order, grammar.order(order));
  return search;
}

MlflowApi::MlflowApi(const MlflowContext& context) : context_(context) {
  AddRegisteredModelEndpoints(routes_);
  AddModelVersionEndpoints(routes_);
  AddModelAliasEndpoints(routes_);
}

bool MlflowApi::Serves(std::string_view path) {
  return Behind(kTrackingPrefixes, path) || Behind(kArtifactPrefixes, path) || path == "/health" ||
         path == "/version";
}

Task<net::Response> MlflowApi::Handle(net::Exchange& exchange) {
  const std::string request_id = RequestIdOf(exchange.head(), context_.rng);
  auto serve = Serve(exchange, request_id);
  Result<net::Response> reply = co_await std::move(serve);
  net::Response response;
  if (reply) {
    response = std::move(*reply);
  } else {
    response = MlflowErrorResponse(reply.error());
    Log(TraitsOf(reply.error().code).log, "mlflow call failed",
        {{"method", NameOf(exchange.head().method)},
         {"path", exchange.head().path},
         {"status", response.status},
         {"error", Describe(reply.error())},
         {"request_id", request_id}});
  }
  response.headers.Add("x-request-id", request_id);
  co_return response;
}

MlflowReply MlflowApi::Serve(net::Exchange& exchange, std::string request_id) {
  const net::RequestHead& head = exchange.head();
  if (head.path == "/health") co_return Plain("OK");
  if (head.path == "/version") co_return Plain(context_.options.build);

  const auth::Credentials credentials{head.Find("authorization").value_or(std::string_view()),
                                      exchange.peer_is_loopback()};
  Result<auth::Principal> principal = context_.authenticator.Identify(credentials);
  if (!principal) co_return Fail(std::move(principal).error());
  if (Status allowed = auth::RequireAdmin(*principal); !allowed) {
    co_return Fail(std::move(allowed).error());
  }
  if (IsServerInfo(head.path)) co_return ServerInfo();

  Result<Params> params = Params::FromQuery(head.query);
  if (!params) co_return Fail(std::move(params).error());
  MlflowCall call{context_,           exchange, std::move(*principal), std::move(request_id),
                  std::move(*params), ""};
  if (const auto artifacts = Behind(kArtifactPrefixes, head.path)) {
    auto serve = ServeArtifacts(std::move(call), *artifacts);
    co_return co_await std::move(serve);
  }
  const MlflowRoutes::Match match = routes_.Find(head.method, head.path);
  if (match.value == nullptr && match.path_found) co_return WrongVerb(head, match.allow);
  if (match.value == nullptr) {
    auto serve = ServeTracking(exchange);
    co_return co_await std::move(serve);
  }
  if (match.value->reads_body) {
    if (Status typed = CheckJsonBody(head); !typed) co_return Fail(std::move(typed).error());
    auto read = exchange.ReadBody(context_.options.max_body_bytes);
    const Result<std::string_view> bytes = co_await std::move(read);
    if (!bytes) co_return Fail(bytes.error());
    call.params = Params::FromBody(*bytes);
  }
  auto serve = match.value->serve(call);
  co_return co_await std::move(serve);
}

MlflowReply MlflowApi::ServeArtifacts(MlflowCall call, std::string_view path) {
  const net::RequestHead& head = call.exchange.head();
  Result<std::optional<std::string>> artifact = ArtifactPathOf(path);
  if (!artifact) co_return Fail(std::move(artifact).error());
  if (!*artifact) {
    if (!IsAt(path, "mpu") && !IsAt(path, "presigned")) {
      co_return MlflowNoEndpoint(404, fmt::format("there is nothing at {}", head.path));
    }
    co_return Fail(ErrorCode::kNotImplemented,
                   "this artifact store takes and gives files whole: use the proxy");
  }
  call.path = std::move(**artifact);
  MlflowReply (*serve)(MlflowCall&) = nullptr;
  switch (head.method) {
    case HttpMethod::kGet:
    case HttpMethod::kHead:
      serve = call.path.empty() ? ListArtifacts : GetArtifact;
      break;
    case HttpMethod::kPut:
      serve = PutArtifact;
      break;
    case HttpMethod::kDelete:
      serve = DeleteArtifact;
      break;
    default:
      co_return WrongVerb(head, "GET, HEAD, PUT, DELETE");
  }
  auto answer = serve(call);
  co_return co_await std::move(answer);
}

MlflowReply MlflowApi::ServeTracking(net::Exchange& exchange) {
  const net::RequestHead& head = exchange.head();
  const Result<std::string> resource = TrackingResource(head.path);
  if (!resource) co_return Fail(resource.error());
  if (std::ranges::find(kOwnResources, *resource) != kOwnResources.end()) {
    co_return MlflowNoEndpoint(
        404, fmt::format("there is nothing at {} {}", net::NameOf(head.method), head.path));
  }
  if (context_.upstream == nullptr) {
    co_return MlflowNoEndpoint(
        404, fmt::format("{} is not part of a model registry, and no tracking server is known. Set "
                         "mlflow.upstream to one, or reach Podium by "
                         "mlflow.set_registry_uri and leave the tracking URI as it was.",
                         head.path));
  }
  auto pass = context_.upstream->Pass(exchange);
  co_return co_await std::move(pass);
}

}  // namespace podium::control
