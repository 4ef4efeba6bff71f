#include "app/mlflow_source.h"

#include <fmt/format.h>

#include <utility>

#include "app/cli_api.h"
#include "app/cli_console.h"
#include "app/import_retry.h"
#include "domain/model_limits.h"
#include "net/target.h"
#include "net/upstream.h"

namespace podium::app {
namespace {

constexpr const char* kRegisteredModels = "/api/2.0/mlflow/registered-models";
constexpr const char* kModelVersions = "/api/2.0/mlflow/model-versions";
constexpr const char* kPromptFilter = "tags.`mlflow.prompt.is_prompt` = 'true'";
constexpr std::size_t kModelsOfPage = 100;
constexpr const char* kRunAgain = "run the same command again: it goes on where it stopped";

// What a server says, on one line of ours.
std::string Told(std::string_view text) { return Printable(text.substr(0, 300)); }

CliFailure Broken(ExitCode exit, std::string error, std::string cause, std::string fix) {
  return CliFailure(CliError{exit, std::move(error), std::move(cause), std::move(fix), ""});
}

bool NeverConnected(const Error& error) {
  return net::PhaseOf(error) == net::UpstreamPhase::kConnect || net::IsOurs(error);
}

/// A page, or why the answer is none.
template <typename Row>
CliResult<SourcePage<Row>> PageOf(Result<SourcePage<Row>> page, const std::string& shown) {
  if (page) return *std::move(page);
  return Broken(ExitCode::kFailed, fmt::format("what answers at {} is no MLflow server", shown),
                Printable(page.error().message), "name the address that MLFLOW_TRACKING_URI has");
}

}  // namespace

Result<std::string> NameFilter(const std::string& name) {
  const bool has_single = name.find('\'') != std::string::npos;
  if (has_single && name.find('"') != std::string::npos) {
    return Fail(ErrorCode::kUnprocessable,
                "MLflow's search cannot ask for a name with quotes of both kinds: rename the model "
                "there");
  }
  const char quote = has_single ? '"' : '\'';
  return fmt::format("name = {}{}{}", quote, name, quote);
}

MlflowSource::MlflowSource(Options options, SourceTransport transport, CommandPause pause)
    : options_(std::move(options)), transport_(std::move(transport)), pause_(std::move(pause)) {}

CliFailure MlflowSource::NoMlflow(std::string cause) const {
  return Broken(ExitCode::kFailed,
                fmt::format("what answers at {} is no MLflow server", options_.shown),
                std::move(cause), "name the address that MLFLOW_TRACKING_URI has");
}

CliResult<SourceReply> MlflowSource::Reach(const std::string& target) {
  for (int tries = 1;; ++tries) {
    Result<SourceReply> reply = transport_(target);
    if (reply && !IsPassing(reply->status)) {
      answered_ = true;
      return *std::move(reply);
    }
    // An address that nobody has ever answered at is more likely wrong than busy.
    const bool hopeless = !reply && !answered_ && NeverConnected(reply.error());
    const auto wait = hopeless ? std::nullopt : ImportPause(tries, reply ? reply->retry_after : "");
    const bool too_large = !reply && reply.error().code == ErrorCode::kTooLarge;
    if (wait && !too_large) {
      if (pause_(*wait)) continue;
      return Broken(ExitCode::kInterrupted, "interrupted", "", kRunAgain);
    }
    if (reply) {
      answered_ = true;
      return *std::move(reply);  // A server's error that stays: who asked says so.
    }
    const bool late = reply.error().code == ErrorCode::kDeadline;
    if (too_large) {
      return Broken(ExitCode::kFailed,
                    fmt::format("{} gave an answer that is too large", options_.shown),
                    Printable(Describe(reply.error())), "");
    }
    return Broken(late ? ExitCode::kTimedOut : ExitCode::kUnreachable,
                  fmt::format("{} does not answer", options_.shown),
                  Printable(Describe(reply.error())),
                  answered_ ? kRunAgain : "look whether the address is right and the server runs");
  }
}

CliResult<MlflowSource::Answer> MlflowSource::Ask(const std::string& path) {
  CLI_TRY_ASSIGN(const SourceReply reply, Reach(options_.path + path));
  if (reply.status >= 300 && reply.status < 400) {
    return Broken(
        ExitCode::kFailed,
        fmt::format("{} answers {}: it wants to be asked elsewhere", options_.shown, reply.status),
        reply.location.empty() ? "" : "it names " + Told(reply.location),
        "redirects are not followed, since credentials would go along: name the right "
        "address, or sign in if that is a page for it");
  }
  Result<Json> body = ParseJson(reply.body);
  if (reply.status >= 200 && reply.status < 300) {
    if (body && body->is_object()) return Answer{reply.status, *std::move(body)};
    return NoMlflow(fmt::format("its answer is no JSON object: {}",
                                body ? body->type_name() : Printable(Describe(body.error()))));
  }
  if (!body || !body->is_object()) {
    body = Json{{"message", Told(reply.body)}};
  }
  return Answer{reply.status, *std::move(body)};
}

CliFailure MlflowSource::Refusal(const Answer& answer) const {
  const std::string code = TextOf(answer.body, "error_code");
  const std::string message = Told(TextOf(answer.body, "message"));
  if (answer.status == 401 || answer.status == 403) {
    return Broken(ExitCode::kNotAllowed, fmt::format("{} refuses us", options_.shown), message,
                  "set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and "
                  "MLFLOW_TRACKING_PASSWORD");
  }
  if (answer.status == 404 && code == "RESOURCE_DOES_NOT_EXIST") {
    return Broken(ExitCode::kNotFound, message, "", "");
  }
  if (answer.status == 404 || answer.status == 405) {
    return NoMlflow(fmt::format("it answers {} where MLflow's registry is", answer.status));
  }
  return Broken(ExitCode::kFailed, fmt::format("{} answered {}", options_.shown, answer.status),
                message, answer.status >= 500 || IsPassing(answer.status) ? kRunAgain : "");
}

CliResult<Json> MlflowSource::Get(const std::string& path) {
  CLI_TRY_ASSIGN(Answer answer, Ask(path));
  if (answer.status >= 200 && answer.status < 300) return std::move(answer.body);
  return Refusal(answer);
}

CliResult<SourcePage<RegisteredModel>> MlflowSource::ModelsPage(const std::string& token) {
  std::string path = fmt::format("{}/search?max_results={}", kRegisteredModels, kModelsOfPage);
  CLI_TRY_ASSIGN(const Json body, Get(WithQuery(std::move(path), "page_token", token)));
  return PageOf(ReadModelsPage(body), options_.shown);
}

CliResult<SourcePage<RegisteredModel>> MlflowSource::PromptsPage(const std::string& token) {
  std::string path = fmt::format("{}/search?max_results={}", kRegisteredModels, kModelsOfPage);
  path = WithQuery(std::move(path), "filter", kPromptFilter);
  CLI_TRY_ASSIGN(const Answer answer, Ask(WithQuery(std::move(path), "page_token", token)));
  if (answer.status == 400 && token.empty()) return SourcePage<RegisteredModel>();
  if (answer.status < 200 || answer.status >= 300) return Refusal(answer);
  return PageOf(ReadModelsPage(answer.body), options_.shown);
}

CliResult<SourcePage<RegisteredModel>> MlflowSource::OneModel(const std::string& name) {
  const std::string path = fmt::format("{}/get", kRegisteredModels);
  CLI_TRY_ASSIGN(const Json body, Get(WithQuery(path, "name", name)));
  return PageOf(ReadOneModel(body), options_.shown);
}

CliResult<SourcePage<RegisteredVersion>> MlflowSource::VersionsPage(const RegisteredModel& model,
                                                                    const std::string& token) {
  const Result<std::string> by_name = NameFilter(model.name);
  if (!by_name) return LocalError(by_name.error());
  const std::string filter =
      IsPromptModel(model) ? fmt::format("{} AND {}", *by_name, kPromptFilter) : *by_name;
  std::string path =
      fmt::format("{}/search?max_results={}", kModelVersions, limits::kMaxImportVersions);
  path = WithQuery(std::move(path), "filter", filter);
  path = WithQuery(std::move(path), "order_by", "version_number ASC");
  CLI_TRY_ASSIGN(const Json body, Get(WithQuery(std::move(path), "page_token", token)));
  return PageOf(ReadVersionsPage(body, model.name), options_.shown);
}

CliResult<std::string> MlflowSource::DownloadUri(const RegisteredVersion& version) {
  std::string path = fmt::format("{}/get-download-uri", kModelVersions);
  path = WithQuery(std::move(path), "name", version.name);
  path = WithQuery(std::move(path), "version", fmt::to_string(version.number));
  CLI_TRY_ASSIGN(const Answer answer, Ask(path));
  // It may have been deleted since; then there is nothing to say.
  if (answer.status >= 400 && answer.status < 500) return std::string();
  if (answer.status < 200 || answer.status >= 300) return Refusal(answer);
  return ReadDownloadUri(answer.body);
}

}  // namespace podium::app
