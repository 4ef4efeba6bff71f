#include "app/cli_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "app/cli_log_replay.h"
#include "app/cli_table.h"
#include "app/cli_target.h"
#include "app/cli_upload.h"

namespace podium::app {
namespace {

constexpr const char* kPredictionsPath = "/api/v1/predictions";
constexpr std::chrono::milliseconds kTailInterval{1000};
// Rows of another replica may come to the index a little later than younger ones.
constexpr const char* kTailWindow = "60s";
constexpr std::size_t kMostTailed = 20'000;
constexpr std::size_t kMaxFeedbackFile = 64 * 1024 * 1024;
constexpr std::size_t kFeedbackLines = 500;  // Of one request.

constexpr std::array<const char*, 27> kCsvColumns = {
    "id", "at", "route", "request_id", "unit_kind", "unit", "assigned", "served", "arm", "reason",
    "outcome", "status", "latency_us", "cost_usd", "propensity", "keep", "generation", "rows",
    "score", "label", "feedback_score", "replica", "choice",
    // Of a call that champion and challenger were both asked: each one's own.
    "champion_score", "champion_latency_us", "challenger_score", "challenger_latency_us"};

// Why it was assigned, and of a call with a challenger who answered, or why not the other.
std::string ArmText(const Json& row) {
  const Json& both = MemberOf(row, "challenger");
  const std::string arm = TextOf(row, "arm");
  return both.is_object() ? fmt::format("{} ({})", arm, TextOf(both, "choice")) : arm;
}

/// One of the columns that are about champion and challenger: "challenger_latency_us".
const Json& OfBoth(const Json& prediction, std::string_view column) {
  const Json& both = MemberOf(prediction, "challenger");
  if (column == "choice") return MemberOf(both, "choice");
  const std::size_t end = column.find('_');
  const Json& side = MemberOf(both, std::string(column.substr(0, end)).c_str());
  if (column.ends_with("_latency_us")) return MemberOf(side, "latency_us");
  const Json& scores = MemberOf(side, "scores");
  static const Json kNothing;
  return scores.is_array() && !scores.empty() ? scores.front() : kNothing;
}

std::string ScoreText(const Json& row) {
  const Json& scores = MemberOf(row, "scores");
  if (!scores.is_array() || scores.empty()) return "";
  const std::string first =
      scores.front().is_number() ? fmt::format("{:.4g}", scores.front().get<double>()) : "-";
  return scores.size() == 1 ? first : fmt::format("{} (+{})", first, scores.size() - 1);
}

std::string CostText(const Json& row) {
  const Json& cost = MemberOf(row, "cost_usd");
  return cost.is_number() ? fmt::format("{:.6f}", cost.get<double>()) : "";
}

Table LogTable() {
  using enum Table::Align;
  return Table({{"AT (UTC)"},
                {"ROUTE"},
                {"REQUEST"},
                {"ARM"},
                {"SERVED"},
                {"OUTCOME"},
                {"MS", kRight},
                {"USD", kRight},
                {"SCORE", kRight},
                {"ID"}});
}

std::vector<std::string> CellsOf(const Json& row) {
  const std::string served = TextOf(row, "served");
  return {ShowTime(TextOf(row, "at")),
          Printable(TextOf(row, "route")),
          Printable(TextOf(row, "request_id")),
          Printable(ArmText(row)),
          Printable(served),
          TextOf(row, "outcome") == "ok"
              ? "ok"
              : fmt::format("{} {}", TextOf(row, "outcome"), CountOf(row, "status")),
          ShowMilliseconds(NumberOf(row, "latency_us") / 1000),
          CostText(row),
          ScoreText(row),
          Printable(TextOf(row, "id"))};
}

void TellNothing(CommandContext& context) {
  context.console.err << "no predictions: is the route logged (predictions.log: true in the "
                         "server's settings)?\n";
}

CliStatus ListLog(CommandContext& context, const LogArgs& args) {
  CLI_TRY_ASSIGN(const std::string target, LogTarget(context.api, args));
  CLI_TRY_ASSIGN(const Json rows, context.api.List(target, args.most));
  if (context.format == OutputFormat::kJson) {
    PrintJson(context.console, rows);
    return {};
  }
  Table table = LogTable();
  for (const Json& row : rows) table.Add(CellsOf(row));
  if (table.empty()) {
    TellNothing(context);
    return {};
  }
  context.console.out << table.Render();
  return {};
}

CliStatus GetLog(CommandContext& context, const LogArgs& args) {
  CLI_TRY_ASSIGN(const ApiAnswer answer, context.api.Get(ApiPath(kPredictionsPath, args.id)));
  if (context.format == OutputFormat::kJson) {
    PrintJson(context.console, answer.body);
    return {};
  }
  for (const auto& [key, value] : answer.body.items()) {
    context.console.out << fmt::format(
        "{:<16}  {}\n", key,
        Printable(value.is_string() ? value.get<std::string>() : DumpJson(value)));
  }
  return {};
}

std::string TailLine(const Json& row) {
  std::string line;
  for (const std::string& cell : CellsOf(row)) {
    line += fmt::format("{}{}", line.empty() ? "" : "  ", cell.empty() ? "-" : cell);
  }
  return line;
}

CliStatus TailLog(CommandContext& context, LogArgs args, const Waiting& waiting) {
  args.since = kTailWindow;
  CLI_TRY_ASSIGN(const std::string target, LogTarget(context.api, args));
  std::set<std::string> seen;
  for (bool first = true;; first = false) {
    CLI_TRY_ASSIGN(Json rows, context.api.List(target, kMostTailed));
    std::reverse(rows.begin(), rows.end());  // Oldest first, as they came.
    std::set<std::string> window;
    const std::size_t skip =
        first && rows.size() > args.most ? rows.size() - args.most : std::size_t{0};
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::string id = TextOf(rows[i], "id");
      window.insert(id);
      if (i < skip || seen.contains(id)) continue;
      context.console.out << (context.format == OutputFormat::kJson ? DumpJson(rows[i])
                                                                    : TailLine(rows[i]))
                          << '\n';
    }
    context.console.out.flush();
    seen = std::move(window);
    if (!waiting.pause(kTailInterval))
      return CliFailure(CliError{ExitCode::kInterrupted, "", "", "", ""});
  }
}

CliStatus ExportLog(CommandContext& context, const LogArgs& args) {
  CLI_TRY_ASSIGN(const std::string base, LogTarget(context.api, args));
  const std::string target = WithQuery(WithQuery(base, "feedback", "true"), "limit", "500");
  const bool csv = args.format == "csv";
  if (csv) context.console.out << CsvHead();
  std::string cursor;
  std::size_t left = args.most;
  do {
    CLI_TRY_ASSIGN(const ApiAnswer page, context.api.Get(WithQuery(target, "cursor", cursor)));
    for (const Json& row : MemberOf(page.body, "items")) {
      if (left-- == 0) return {};
      context.console.out << (csv ? CsvLine(row) : DumpJson(row) + "\n");
    }
    cursor = TextOf(page.body, "next_cursor");
  } while (!cursor.empty() && left > 0);
  return {};
}

std::string CsvCell(const Json& value) {
  if (value.is_null()) return "";
  std::string text = value.is_string() ? value.get<std::string>() : DumpJson(value);
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

// What was said of the first row, for a format with one line for a request.
Json FirstRowOf(const Json& prediction, const char* key) {
  for (const Json& item : MemberOf(prediction, "feedback")) {
    if (CountOf(item, "row") == 0) return MemberOf(item, key);
  }
  return {};
}

CliStatus SendFeedback(CommandContext& context, std::string body, const char* type, Json& report) {
  net::ClientRequest request;
  request.method = net::HttpMethod::kPost;
  request.target = "/api/v1/feedback";
  request.body = std::move(body);
  request.content_type = type;
  CLI_TRY_ASSIGN(const ApiAnswer answer, context.api.Send(std::move(request)));
  for (const char* fate : {"new", "same", "replaced"}) {
    report[fate] = report.value(fate, std::uint64_t{0}) + CountOf(answer.body, fate);
  }
  for (const Json& item : MemberOf(answer.body, "items")) {
    const Json& known = MemberOf(item, "known");
    const bool waits = known.is_boolean() && !known.get<bool>();
    report["waiting"] = report.value("waiting", std::uint64_t{0}) + (waits ? 1 : 0);
  }
  return {};
}

CliStatus SendFile(CommandContext& context, const std::string& path, Json& report) {
  Result<std::string> text = ReadSmallFile(path, kMaxFeedbackFile);
  if (!text) return LocalError(text.error());
  std::string some;
  std::size_t lines = 0;
  const auto send = [&]() -> CliStatus {
    if (some.empty()) return {};
    lines = 0;
    return SendFeedback(context, std::exchange(some, {}), "application/x-ndjson", report);
  };
  for (std::size_t at = 0; at < text->size();) {
    const std::size_t end = std::min(text->find('\n', at), text->size());
    if (end > at) {
      some.append(*text, at, end - at).append(1, '\n');
      if (++lines == kFeedbackLines) CLI_TRY(send());
    }
    at = end + 1;
  }
  return send();
}

CliResult<Json> FeedbackBody(const FeedbackArgs& args) {
  if (args.route.empty() || args.request.empty() || (!args.label && !args.score)) {
    return UsageError("feedback needs a route, a request id, and --label or --score; or -f FILE",
                      "podium feedback ROUTE REQUEST --label 1");
  }
  Json body = {{"route", args.route}, {"request_id", args.request}};
  if (args.row) body["row"] = *args.row;
  if (args.label) body["label"] = *args.label;
  if (args.score) body["score"] = *args.score;
  if (args.prediction) body["prediction"] = *args.prediction;
  return body;
}

}  // namespace

CliResult<std::string> LogTarget(Api& api, const LogArgs& args) {
  std::string version = args.version;
  if (!version.empty()) {
    CLI_TRY_ASSIGN(const Json row, args.route.empty() ? FindVersion(api, version)
                                                      : FindVersionOf(api, args.route, version));
    version = TextOf(row, "model_id");
  }
  std::string target = WithQuery(kPredictionsPath, "route", args.route);
  target = WithQuery(std::move(target), "version", version);
  target = WithQuery(std::move(target), "outcome", args.outcome);
  target = WithQuery(std::move(target), "unit", args.unit);
  target = WithQuery(std::move(target), "request_id", args.request);
  target = WithQuery(std::move(target), "since", args.since);
  return WithQuery(std::move(target), "until", args.until);
}

std::string CsvHead() {
  std::string line;
  for (const char* column : kCsvColumns)
    line += fmt::format("{}{}", line.empty() ? "" : ",", column);
  return line + "\r\n";
}

std::string CsvLine(const Json& prediction) {
  std::string line;
  bool first = true;
  for (const std::string_view column : kCsvColumns) {
    if (!std::exchange(first, false)) line += ',';
    if (column == "score") {
      const Json& scores = MemberOf(prediction, "scores");
      line += scores.is_array() && !scores.empty() ? CsvCell(scores.front()) : "";
    } else if (column == "label") {
      line += CsvCell(FirstRowOf(prediction, "label"));
    } else if (column == "choice" || column.starts_with("champion_") ||
               column.starts_with("challenger_")) {
      line += CsvCell(OfBoth(prediction, column));
    } else if (column == "feedback_score") {
      line += CsvCell(FirstRowOf(prediction, "score"));
    } else {
      line += CsvCell(MemberOf(prediction, std::string(column).c_str()));
    }
  }
  return line + "\r\n";
}

CliStatus RunLog(CommandContext& context, const LogArgs& args, const Waiting& waiting) {
  switch (args.verb) {
    case LogVerb::kList:
      return ListLog(context, args);
    case LogVerb::kGet:
      return GetLog(context, args);
    case LogVerb::kTail:
      return TailLog(context, args, waiting);
    case LogVerb::kExport:
      return ExportLog(context, args);
    case LogVerb::kReplay:
      return ReplayLog(context, args);
  }
  return {};
}

CliStatus RunFeedback(CommandContext& context, const FeedbackArgs& args) {
  Json report = Json::object();
  if (args.file.empty()) {
    CLI_TRY_ASSIGN(const Json body, FeedbackBody(args));
    CLI_TRY(SendFeedback(context, DumpJson(body), "application/json", report));
  } else {
    CLI_TRY(SendFile(context, args.file, report));
  }
  if (context.format == OutputFormat::kJson) {
    PrintJson(context.console, report);
    return {};
  }
  context.console.out << fmt::format("{} new, {} known already, {} replaced\n",
                                     CountOf(report, "new"), CountOf(report, "same"),
                                     CountOf(report, "replaced"));
  if (const std::uint64_t waiting = CountOf(report, "waiting"); waiting > 0) {
    context.console.err << fmt::format(
        "{} of them for predictions that the index does not have yet: they are kept for it\n",
        waiting);
  }
  return {};
}

}  // namespace podium::app
