#include "app/cli_versions.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <filesystem>
#include <map>
#include <utility>

#include "app/cli_history.h"
#include "app/cli_model_audit.h"
#include "app/cli_table.h"
#include "app/cli_target.h"
#include "app/cli_upload.h"
#include "base/limits.h"
#include "domain/names.h"

namespace podium::app {
namespace {

constexpr std::chrono::milliseconds kPollInterval{100};
constexpr std::size_t kMostNamed = 2000;

// "name=rest", with something on both sides.
CliResult<std::pair<std::string, std::string>> SplitPair(const std::string& flag,
                                                         const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
    return UsageError(fmt::format("{} {}: write NAME=VALUE", flag, text));
  }
  return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

CliResult<Json> ReadMetrics(const std::vector<std::string>& metrics) {
  Json read = Json::object();
  for (const std::string& metric : metrics) {
    CLI_TRY_ASSIGN(const auto pair, SplitPair("--metric", metric));
    const std::string& number = pair.second;
    double value = 0;
    const char* end = number.data() + number.size();
    const auto [stop, error] = std::from_chars(number.data(), end, value);
    if (error != std::errc{} || stop != end || !std::isfinite(value)) {
      return UsageError(fmt::format("--metric {}: \"{}\" is not a number", metric, number));
    }
    read[pair.first] = value;
  }
  return read;
}

CliResult<Json> ReadTags(const std::vector<std::string>& tags) {
  Json read = Json::object();
  for (const std::string& tag : tags) {
    CLI_TRY_ASSIGN(const auto pair, SplitPair("--tag", tag));
    read[pair.first] = pair.second;
  }
  return read;
}

bool IsUri(const std::string& file) { return file.starts_with("file:"); }

// Null without one. A signature that was asked for must be there; one beside the file may be.
CliResult<Json> ReadSignature(CommandContext& context, const RegisterArgs& args) {
  if (args.no_signature) return Json();
  std::string path = args.signature;
  if (path.empty()) {
    if (args.file.empty() || IsUri(args.file)) return Json();
    path = SignaturePath(args.file);
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(path, ignored)) return Json();
    context.console.err << fmt::format("signature: {}\n", path);
  }
  const Result<std::string> text = ReadSmallFile(path, limits::kMaxAdminBodyBytes);
  if (!text) return LocalError(text.error());
  Result<Json> signature = ParseJson(*text);
  if (!signature || !signature->is_object()) {
    return UsageError(fmt::format("the signature {} is no JSON object", path),
                      signature ? "" : signature.error().message);
  }
  return *std::move(signature);
}

void SetUnlessEmpty(Json& body, const char* key, const std::string& value) {
  if (!value.empty()) body[key] = value;
}

// A file with its version, or a provider with its model.
CliStatus CheckWhat(const RegisterArgs& args) {
  if (args.provider.empty()) {
    if (args.file.empty())
      return UsageError("say what to register: FILE, or --provider and --model");
    if (args.version.empty()) return UsageError("--version is required");
    return {};
  }
  if (args.model.empty()) return UsageError("--provider needs --model");
  return {};
}

CliResult<Json> RegistrationBody(CommandContext& context, const RegisterArgs& args) {
  Json body = {{"route", args.route},
               {"name", args.name.empty() ? args.route : args.name},
               {"version", args.version.empty() ? NameFrom(args.model) : args.version}};
  SetUnlessEmpty(body, "provider_key", args.provider);
  SetUnlessEmpty(body, "upstream_model", args.model);
  SetUnlessEmpty(body, "model_id", args.model_id);
  SetUnlessEmpty(body, "status", args.status);
  SetUnlessEmpty(body, "load", args.load);
  SetUnlessEmpty(body, "format", args.format);
  SetUnlessEmpty(body, "parent_id", args.parent);
  SetUnlessEmpty(body, "reason", context.reason);
  CLI_TRY_ASSIGN(Json metrics, ReadMetrics(args.metrics));
  if (!metrics.empty()) body["metrics"] = std::move(metrics);
  CLI_TRY_ASSIGN(Json tags, ReadTags(args.tags));
  if (!tags.empty()) body["tags"] = std::move(tags);
  CLI_TRY_ASSIGN(Json signature, ReadSignature(context, args));
  if (!signature.is_null()) body["signature"] = std::move(signature);
  return body;
}

// Polls until the version is loaded and warm, or is known not to load.
CliResult<Json> WaitUntilReady(CommandContext& context, const std::string& id,
                               const Waiting& waiting) {
  const SteadyTime deadline = waiting.clock.SteadyNow() + waiting.timeout;
  while (true) {
    CLI_TRY_ASSIGN(const ApiAnswer answer, context.api.Get(ApiPath("/api/v1/versions", id)));
    const std::string state = TextOf(answer.body, "load_state");
    if (state == "ready") return answer.body;
    if (state == "failed") {
      return CliFailure(CliError{ExitCode::kFailed,
                                 fmt::format("{} is registered, but does not load", id),
                                 Printable(TextOf(answer.body, "load_error")),
                                 fmt::format("podium version delete {}", id), ""});
    }
    if (waiting.clock.SteadyNow() >= deadline) {
      return CliFailure(CliError{ExitCode::kTimedOut,
                                 fmt::format("{} is registered, but not loaded yet ({})", id,
                                             state.empty() ? "unknown" : state),
                                 "", fmt::format("podium version get {}", id), ""});
    }
    if (!waiting.pause(kPollInterval)) {
      return CliFailure(CliError{ExitCode::kInterrupted,
                                 fmt::format("{} is registered; stopped waiting for it", id), "",
                                 "", ""});
    }
  }
}

// The first version of a route serves nothing before somebody says so: say how.
void PrintNextStep(CommandContext& context, const Json& row) {
  const std::string route = TextOf(row, "route");
  const CliResult<ApiAnswer> state = context.api.Get(ApiPath("/api/v1/routes", route));
  if (state && !MemberOf(state->body, "primary").is_null()) {
    context.console.err << fmt::format("next: podium canary {} {} 5\n", route,
                                       Printable(TextOf(row, "version")));
    return;
  }
  context.console.err << fmt::format("next: podium version activate {}\n", ShortName(row));
}

std::string ShareChange(const Json& change) {
  const double before = NumberOf(change, "traffic_pct_before");
  const double after = NumberOf(change, "traffic_pct_after");
  if (before == 0 && after == 0) return "";
  return ShowPercent(before) + " → " + ShowPercent(after);
}

// For people, who know versions and not ids. What is gone, or beyond the limit, keeps its id.
std::map<std::string, std::string> VersionsById(CommandContext& context, const std::string& route) {
  std::map<std::string, std::string> versions;
  const CliResult<Json> rows =
      context.api.List(WithQuery("/api/v1/versions", "route", route), kMostNamed);
  if (!rows) return versions;
  for (const Json& row : *rows) versions[TextOf(row, "model_id")] = TextOf(row, "version");
  return versions;
}

}  // namespace

std::string SignaturePath(const std::string& model_file) {
  return std::filesystem::path(model_file).replace_extension(".signature.json").string();
}

CliStatus RunRegister(CommandContext& context, const RegisterArgs& args, const Waiting& waiting) {
  CLI_TRY(CheckWhat(args));
  CLI_TRY_ASSIGN(Json body, RegistrationBody(context, args));
  if (!args.provider.empty()) {
    // Nothing to upload.
  } else if (IsUri(args.file)) {
    body["artifact_uri"] = args.file;
  } else {
    CLI_TRY_ASSIGN(const Json stored, UploadFile(context.api, context.console, args.file));
    body["artifact_uri"] = TextOf(stored, "artifact_uri");
    body["sha256"] = TextOf(stored, "sha256");
  }
  CLI_TRY_ASSIGN(ApiAnswer answer,
                 context.api.Change(net::HttpMethod::kPost, "/api/v1/versions", body));
  if (args.wait) {
    CLI_TRY_ASSIGN(answer.body, WaitUntilReady(context, TextOf(answer.body, "model_id"), waiting));
  }
  if (context.format == OutputFormat::kJson) {
    PrintJson(context.console, answer.body);
    return {};
  }
  context.console.out << fmt::format("registered {} as {}{}\n", NameRow(answer.body),
                                     Printable(TextOf(answer.body, "status")),
                                     args.wait ? ", ready" : "");
  PrintNextStep(context, answer.body);
  return {};
}

CliStatus RunListVersions(CommandContext& context, const ListVersionsArgs& args) {
  std::string target = WithQuery("/api/v1/versions", "route", args.route);
  target = WithQuery(std::move(target), "name", args.name);
  target = WithQuery(std::move(target), "status", args.status);
  CLI_TRY_ASSIGN(const Json rows, context.api.List(target, args.most));
  if (rows.empty() && !args.route.empty()) CLI_TRY(FindRoute(context.api, args.route));
  if (context.format == OutputFormat::kJson) {
    PrintJson(context.console, rows);
    return {};
  }
  Table table({{"ROUTE"},
               {"VERSION"},
               {"ID"},
               {"STATUS"},
               {"SHARE", Table::Align::kRight},
               {"LOADED"},
               {"NAME"},
               {"CREATED (UTC)"}});
  for (const Json& row : rows) {
    const double share = NumberOf(row, "traffic_pct");
    table.Add({Printable(TextOf(row, "route")), Printable(TextOf(row, "version")),
               Printable(TextOf(row, "model_id")), Printable(TextOf(row, "status")),
               share > 0 ? ShowPercent(share) : "", Printable(TextOf(row, "load_state")),
               Printable(TextOf(row, "name")), ShowTime(TextOf(row, "created_at"))});
  }
  if (table.empty()) {
    context.console.err
        << "no versions yet: podium version register ROUTE model.onnx --version 1\n";
    return {};
  }
  context.console.out << table.Render();
  if (rows.size() == args.most) {
    context.console.err << fmt::format("the first {}; --limit shows more\n", args.most);
  }
  return {};
}

CliStatus RunGetVersion(CommandContext& context, const GetVersionArgs& args) {
  CLI_TRY_ASSIGN(const Json row, FindVersion(context.api, args.target));
  if (context.format == OutputFormat::kJson) {
    PrintJson(context.console, row);
    return {};
  }
  for (const auto& [key, value] : row.items()) {
    if (value.is_null() || value == Json::object()) continue;
    const std::string text = value.is_string() ? value.get<std::string>() : DumpJson(value);
    context.console.out << fmt::format("{:<16} {}\n", key, Printable(text));
  }
  return {};
}

CliStatus RunAudit(CommandContext& context, const AuditArgs& args) {
  if (!args.as_of.empty()) return RunAsOf(context, args.route, args.as_of);
  if (args.models || !args.model.empty()) return RunModelAudit(context, args.model, args.most);
  CLI_TRY_ASSIGN(const Json rows,
                 context.api.List(WithQuery("/api/v1/audit", "route", args.route), args.most));
  if (rows.empty() && !args.route.empty()) CLI_TRY(FindRoute(context.api, args.route));
  if (context.format == OutputFormat::kJson) {
    PrintJson(context.console, rows);
    return {};
  }
  const std::map<std::string, std::string> versions = VersionsById(context, args.route);
  const auto version = [&](const Json& row, const char* key) {
    const std::string id = TextOf(row, key);
    const auto found = versions.find(id);
    return Printable(found == versions.end() ? id : found->second);
  };
  Table table({{"AT (UTC)"},
               {"REVISION", Table::Align::kRight},
               {"ROUTE"},
               {"CHANGE"},
               {"FROM"},
               {"TO"},
               {"SHARE"},
               {"BY"},
               {"REASON"}});
  for (const Json& row : rows) {
    table.Add({ShowTime(TextOf(row, "at")), fmt::to_string(CountOf(row, "revision")),
               Printable(TextOf(row, "route")), Printable(TextOf(row, "kind")),
               version(row, "from"), version(row, "to"), ShareChange(row),
               Printable(fmt::format("{} ({})", TextOf(row, "actor"), TextOf(row, "origin"))),
               Printable(TextOf(row, "reason"))});
  }
  if (table.empty()) {
    context.console.err << "nothing was changed yet\n";
    return {};
  }
  context.console.out << table.Render();
  if (rows.size() == args.most) {
    context.console.err << fmt::format("the newest {}; --limit shows more\n", args.most);
  }
  return {};
}

}  // namespace podium::app
