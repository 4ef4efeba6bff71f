#include "control/mlflow/upstream.h"

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "domain/model_limits.h"
#include "net/media_type.h"
#include "net/target.h"

namespace podium::control {
namespace {

// Headers of the caller that mean something to a tracking server.
constexpr std::string_view kPassedHeaders[] = {"content-type", "accept", "user-agent",
                                               "x-mlflow-workspace"};

/// The server's body as it comes.
class PassedBody final : public net::BodyStream {
 public:
  explicit PassedBody(std::unique_ptr<net::UpstreamResponse> response)
      : response_(std::move(response)) {}
  Task<Result<std::string_view>> Next() override { return response_->ReadSome(); }
  void Cancel() override { response_->Cancel(); }

 private:
  const std::unique_ptr<net::UpstreamResponse> response_;
};

net::StaticText ContentTypeOf(const net::UpstreamResponse& response) {
  const std::string_view type = response.Find("content-type").value_or("");
  if (net::IsMediaType(type, "application/json")) return "application/json";
  if (net::IsMediaType(type, "text/html")) return "text/html; charset=utf-8";
  if (net::IsMediaType(type, "text/plain")) return "text/plain; charset=utf-8";
  return "application/octet-stream";
}

// The answer stands on Podium's own address: nothing in it may run there with its rights.
void MakeHarmless(const net::UpstreamResponse& answer, net::Response& response) {
  response.headers.Add("X-Content-Type-Options", "nosniff");
  response.headers.Add("Content-Security-Policy", "sandbox");
  const auto disposition = answer.Find("content-disposition");
  const bool is_page = net::IsMediaType(response.content_type, "text/html");
  if (disposition || is_page) {
    response.headers.Add("Content-Disposition", disposition.value_or("attachment"));
  }
  // When to ask again is the server's to say.
  if (const auto pause = answer.Find("retry-after")) response.headers.Add("Retry-After", *pause);
}

// For the path as it was judged, whatever form the target had. The body is to come.
net::UpstreamRequest RequestOf(const net::RequestHead& head, const std::string& prefix) {
  net::UpstreamRequest request;
  request.method = head.method;
  request.target = prefix + std::string(head.path);
  if (!head.query.empty()) request.target.append("?").append(head.query);
  for (const std::string_view name : kPassedHeaders) {
    if (const auto value = head.Find(name)) request.headers.emplace_back(name, *value);
  }
  return request;
}

Error CannotReach(const net::Origin& origin, Error cause) {
  return std::move(cause).Wrap(
      ErrorCode::kUnavailable,
      fmt::format("the tracking server {} (mlflow.upstream) does not answer", ToString(origin)));
}

Task<Result<std::string>> ReadWhole(net::UpstreamResponse& response, std::size_t limit) {
  std::string body;
  while (true) {
    auto read = response.ReadSome();
    const Result<std::string_view> piece = co_await std::move(read);
    if (!piece) co_return Fail(piece.error());
    if (piece->empty()) co_return body;
    body += *piece;
    if (body.size() > limit) {
      co_return Fail(ErrorCode::kUnavailable, "its answer has more than {} bytes", limit);
    }
  }
}

std::optional<LoggedModel> ParseLoggedModel(std::string_view body) {
  const Result<Json> json = ParseJson(body);
  if (!json || !json->is_object()) return std::nullopt;
  const auto model = json->find("model");
  if (model == json->end() || !model->is_object()) return std::nullopt;
  const auto info = model->find("info");
  if (info == model->end() || !info->is_object()) return std::nullopt;
  const auto text = [&](const char* key) {
    const auto value = info->find(key);
    return value != info->end() && value->is_string() ? value->get<std::string>() : std::string();
  };
  LoggedModel found{text("artifact_uri"), text("source_run_id")};
  if (found.artifact_uri.empty()) return std::nullopt;
  return found;
}

}  // namespace

MlflowUpstream::MlflowUpstream(net::Origin origin, std::string path,
                               std::vector<net::Upstream*> by_core, const Clock& clock)
    : origin_(std::move(origin)),
      path_(std::move(path)),
      by_core_(std::move(by_core)),
      clock_(clock) {}

Task<Result<std::unique_ptr<net::UpstreamResponse>>> MlflowUpstream::Send(
    std::size_t core, net::UpstreamRequest request) {
  request.timeouts.deadline = clock_.SteadyNow() + limits::kProxyTimeout;
  auto send = by_core_.at(core)->Send(origin_, std::move(request));
  Result<std::unique_ptr<net::UpstreamResponse>> response = co_await std::move(send);
  if (!response) co_return Fail(CannotReach(origin_, std::move(response).error()));
  co_return response;
}

Task<Result<net::Response>> MlflowUpstream::Pass(net::Exchange& exchange) {
  const net::RequestHead& head = exchange.head();
  net::UpstreamRequest request = RequestOf(head, path_);
  auto read = exchange.ReadBody(limits::kMaxProxiedBodyBytes);
  const Result<std::string_view> body = co_await std::move(read);
  if (!body) co_return Fail(body.error());
  request.body = std::string(*body);
  auto send = Send(exchange.core(), std::move(request));
  Result<std::unique_ptr<net::UpstreamResponse>> answer = co_await std::move(send);
  if (!answer) co_return Fail(std::move(answer).error());
  net::Response response;
  response.status = (*answer)->status();
  response.content_type = ContentTypeOf(**answer);
  MakeHarmless(**answer, response);
  if (net::StatusHasBody(response.status) && head.method != net::HttpMethod::kHead) {
    response.stream = std::make_unique<PassedBody>(std::move(*answer));
  }
  co_return response;
}

Task<Result<LoggedModel>> MlflowUpstream::FindLoggedModel(std::size_t core, std::string model_id) {
  net::UpstreamRequest request;
  request.method = net::HttpMethod::kGet;
  request.target = path_ + "/api/2.0/mlflow/logged-models/" + net::PercentEncode(model_id);
  auto send = Send(core, std::move(request));
  const Result<std::unique_ptr<net::UpstreamResponse>> response = co_await std::move(send);
  if (!response) co_return Fail(response.error());
  const int status = (*response)->status();
  if (status == 404) {
    co_return Fail(ErrorCode::kInvalidArgument,
                   "the tracking server (mlflow.upstream) knows no logged model {}", model_id);
  }
  auto read = ReadWhole(**response, limits::kMaxLoggedModelBytes);
  const Result<std::string> body = co_await std::move(read);
  if (!body) co_return Fail(CannotReach(origin_, body.error()));
  std::optional<LoggedModel> found = status == 200 ? ParseLoggedModel(*body) : std::nullopt;
  if (found) co_return std::move(*found);
  co_return Fail(ErrorCode::kUnavailable,
                 "the tracking server (mlflow.upstream) answered {} for the logged model {}",
                 status, model_id);
}

}  // namespace podium::control
