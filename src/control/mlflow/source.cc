#include "control/mlflow/source.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/utf8.h"
#include "domain/model_limits.h"
#include "domain/registered_model.h"
#include "runtime/path_text.h"

namespace podium::control {
namespace {

constexpr std::string_view kArtifactPath = "/api/2.0/mlflow-artifacts/artifacts";

Failure Invalid(std::string_view source, std::string_view why) {
  return Fail(Error{ErrorCode::kInvalidArgument,
                    fmt::format("Invalid model version source: '{}'. {}",
                                Shortened(source, limits::kMaxNameBytes), why),
                    "source", nullptr});
}

std::vector<std::string_view> Segments(std::string_view path, std::string_view separators) {
  std::vector<std::string_view> segments;
  while (true) {
    const std::size_t end = path.find_first_of(separators);
    segments.push_back(path.substr(0, end));
    if (end == std::string_view::npos) return segments;
    path.remove_prefix(end + 1);
  }
}

// Somebody behind us may decode more often than we would.
Status CheckDecoded(std::string_view source) {
  const std::optional<std::string> decoded = runtime::DecodedFully(source);
  if (!decoded) return Invalid(source, "It is percent-encoded too many times.");
  if (runtime::HasControl(*decoded)) return Invalid(source, "It holds a control character.");
  if (runtime::LeadsUp(*decoded)) return Invalid(source, "A path must not hold '..'.");
  return {};
}

// No empty step, none that stays.
Status CheckNormal(std::string_view source, std::string_view path) {
  if (path.starts_with('/')) path.remove_prefix(1);
  for (const std::string_view segment : Segments(path, "/\\")) {
    if (segment.empty() || segment == ".") {
      return Invalid(source, "Write its path without empty or '.' steps.");
    }
  }
  return {};
}

// Letters before the colon, and more than one: "C:" is a drive.
std::string_view SchemeOf(std::string_view source) {
  const std::size_t colon = source.find_first_of(":/\\");
  if (colon == std::string_view::npos || source[colon] != ':' || colon < 2) return {};
  return source.substr(0, colon);
}

std::string Lowered(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

// What follows "scheme:" and the slashes, or the host.
std::string_view PathBehind(std::string_view source, std::size_t scheme) {
  std::string_view rest = source.substr(scheme + 1);
  if (!rest.starts_with("//")) return rest;
  rest.remove_prefix(2);
  return rest.substr(std::min(rest.find('/'), rest.size()));
}

// These are names within this registry: nothing says which host's else.
Result<std::string_view> PathWithoutHost(std::string_view source) {
  std::string_view path = source.substr(SchemeOf(source).size() + 1);
  if (path.starts_with("//")) return Invalid(source, "Write it without a host, with one slash.");
  path.remove_prefix(path.starts_with('/') ? 1 : 0);
  return path;
}

Result<Source> ReadModelsUri(std::string_view source, std::string_view model_id) {
  PODIUM_TRY_ASSIGN(const std::string_view path, PathWithoutHost(source));
  const std::vector<std::string_view> segments = Segments(path, "/");
  if (segments.size() == 1 && !segments[0].empty()) {
    if (segments[0] == model_id) return LoggedModelSource{std::string(model_id)};
    return Invalid(source, "To register a logged model, send its id as model_id as well.");
  }
  const Result<std::int64_t> number =
      segments.size() == 2 ? ParseVersionNumber(segments[1]) : Result<std::int64_t>(0);
  if (!number || *number < 1 || segments[0].empty()) {
    return Invalid(source,
                   "Name a version as models:/<name>/<number>, or a logged model as "
                   "models:/<id>.");
  }
  // As it is: clients do not encode names, and '%' may stand in one.
  return VersionSource{std::string(segments[0]), *number};
}

Result<Source> ReadRunsUri(std::string_view source, std::string_view run_id) {
  PODIUM_TRY_ASSIGN(const std::string_view path, PathWithoutHost(source));
  PODIUM_TRY(CheckNormal(source, path));
  if (!run_id.empty() && path.starts_with(fmt::format("{}/", run_id))) return PlainSource{};
  return Invalid(source, "To take it from a run, send the run's id as run_id as well.");
}

}  // namespace

Result<Source> ReadSource(std::string_view source, std::string_view run_id,
                          std::string_view model_id) {
  PODIUM_TRY(CheckDecoded(source));
  const std::string scheme = Lowered(SchemeOf(source));
  if (scheme.empty() || scheme == "file") {
    return Invalid(source,
                   "Files of this machine cannot be registered by their path: put them into an "
                   "artifact store (mlflow-artifacts:/, s3://, …) and name that.");
  }
  if (scheme == "models") return ReadModelsUri(source, model_id);
  if (scheme == "runs") return ReadRunsUri(source, run_id);
  if (scheme == "mlflow-artifacts") {
    PODIUM_TRY(CheckNormal(source, PathBehind(source, scheme.size())));
  } else if (scheme == "http" || scheme == "https") {
    const std::string_view path = PathBehind(source, scheme.size());
    if (path.starts_with(kArtifactPath)) PODIUM_TRY(CheckNormal(source, path));
  }
  return PlainSource{};
}

}  // namespace podium::control
