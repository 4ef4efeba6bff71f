#include "app/setting_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cctype>
#include <optional>
#include <utility>

#include "app/setting_rows.h"
#include "app/setting_text.h"
#include "auth/principal.h"
#include "base/suggest.h"
#include "domain/names.h"

namespace podium::app {
namespace {

using Values = std::vector<std::string>;

SettingRow ListenRow() {
  SettingRow row = Row("server.listen", "address",
                       "Where requests are answered; port 0 takes a free one and prints it.");
  row.set = [](Settings& settings, const std::string&, const Values& values) -> Status {
    auto address = net::ParseHostPort(values.at(0));
    if (!address) {
      const auto port = ParseWhole(values.at(0));
      if (port && *port > 0 && *port < 65536) {
        return Fail(ErrorCode::kInvalidArgument, "is only a port (did you mean \"127.0.0.1:{}\"?)",
                    *port);
      }
      return Wrong(std::move(address).error());
    }
    settings.listen = *std::move(address);
    return {};
  };
  row.show = [](const Settings& settings) { return net::ToString(settings.listen); };
  return row;
}

SettingRow TokenRow() {
  SettingRow row = Row("auth.admin_token", "secret",
                       "Who sends it as a bearer token is the admin. Needed off loopback. Also "
                       "read from the file that PODIUM_ADMIN_TOKEN_FILE names.");
  row.env = "PODIUM_ADMIN_TOKEN";
  row.is_secret = true;
  row.set = [](Settings& settings, const std::string&, const Values& values) -> Status {
    if (auto checked = auth::CheckToken(values.at(0)); !checked) {
      return Wrong(std::move(checked).error());
    }
    settings.admin_token = Secret(values.at(0));
    return {};
  };
  row.show = [](const Settings& settings) {
    return std::string(settings.admin_token.empty() ? "" : "(set)");
  };
  return row;
}

SettingRow ReplicaIdRow() {
  SettingRow row = Row("replica.id", "name",
                       "Who this server is among those that share a registry; without it, made "
                       "once and kept in the data directory.");
  row.set = [](Settings& settings, const std::string&, const Values& values) -> Status {
    if (Status good = CheckName("it", values.at(0)); !good) return Wrong(std::move(good).error());
    settings.replica_id = values.at(0);
    return {};
  };
  row.show = [](const Settings& settings) { return settings.replica_id; };
  return row;
}

SettingRow RootsRow() {
  SettingRow row = Row("serving.artifact_roots", "list of paths",
                       "Folders that file: artifacts may come from, beside DATA/artifacts.");
  row.is_list = true;
  row.set = [](Settings& settings, const std::string&, const Values& values) -> Status {
    for (const std::string& value : values) PODIUM_TRY(CheckPath(value));
    settings.artifact_roots.assign(values.begin(), values.end());
    return {};
  };
  row.show = [](const Settings& settings) {
    std::string text;
    for (const auto& root : settings.artifact_roots) {
      text += (text.empty() ? "" : ",") + root.string();
    }
    return text;
  };
  return row;
}

std::vector<SettingRow> MakeTable() {
  using namespace std::chrono_literals;
  constexpr std::uint64_t kKiB = 1024;
  constexpr std::uint64_t kGiB = kKiB * kKiB * kKiB;
  std::vector<SettingRow> table = {
      PathRow("data_dir", Of(&Settings::data_dir),
              "Where the registry and the artifacts are kept."),
      ListenRow(),
      WholeRow("server.cores", Of(&Settings::cores), 0, 1024,
               "Threads that answer requests; 0 takes as many as the machine grants."),
      DurationRow("server.drain_timeout", Of(&Settings::drain_timeout), 0us, 1h,
                  "How long running requests may still take when the server is stopped."),
      TokenRow(),
      DurationRow("registry.cache_ttl", Of(&Settings::cache_ttl), 1s, 1h,
                  "Age at which the view that requests are routed by is called stale."),
      DurationRow("registry.revision_poll", Of(&Settings::revision_poll), 1ms, 1min,
                  "How often the registry is asked for changes, in case nothing told of one."),
      ReplicaIdRow(),
      RootsRow(),
      PathRow("serving.onnxruntime", Of(&Settings::onnxruntime),
              "The ONNX Runtime library; without it, the one beside the binary."),
      DurationRow("serving.inline_limit", Of(&Settings::inline_limit), 0us, 1s,
                  "Inference that takes longer leaves the I/O thread for the pool."),
      WholeRow("serving.inference_threads", Of(&Settings::inference_threads), 1, 256,
               "Inferences that run there at once, in all and of one model. More threads stand by "
               "for other models while some take long."),
      WholeRow("serving.inference_queue", Of(&Settings::inference_queue), 1, 1'000'000,
               "Requests that may wait there for one model; one more is answered with 503."),
      DurationRow("serving.load_timeout", Of(&Settings::load_timeout), 1s, 1h,
                  "How long a change waits for its version to be loaded and warm; also how long a "
                  "model may take to load, and again to warm up."),
      SizeRow("serving.load_memory_limit", Of(&Settings::load_memory), 64 * kKiB * kKiB,
              1024 * kGiB, "Memory that a model may need to load and warm up."),
      SizeRow("serving.call_memory_limit", Of(&Settings::call_memory), kKiB * kKiB, 1024 * kGiB,
              "Memory that one inference may need for what it computes."),
      DurationRow("serving.inference_timeout", Of(&Settings::inference_timeout), 100ms, 1h,
                  "How long one inference may take; it is then ended and answered with 504."),
      SizeRow("serving.max_body_bytes", Of(&Settings::max_predict_bytes), kKiB, kGiB,
              "Largest body of a prediction request."),
      SizeRow("serving.shadow_answer_limit", Of(&Settings::shadow_answer_bytes), kKiB, kGiB,
              "Largest answer that is kept to be compared with a shadow's; of a larger one "
              "agreement is not judged."),
      SizeRow("serving.max_artifact_bytes", Of(&Settings::max_artifact_bytes), kKiB, 64 * kGiB,
              "Largest model file that is accepted."),
      DurationRow("registry.event_retention", Of(&Settings::event_retention), 1h, 24h * 36'500,
                  "How long events wait for their readers; the audit trail stays for good."),
      DurationRow("costs.retention", Of(&Settings::cost_retention), 24h, 24h * 36'500,
                  "How long the events of single calls are kept; daily sums stay for good."),
      ChoiceRow("log.format", "json or text", Of(&Settings::log_format),
                std::to_array<std::pair<std::string_view, LogFormat>>(
                    {{"json", LogFormat::kJson}, {"text", LogFormat::kText}}),
                "One JSON object per line, or text; text is the default on a terminal."),
      ChoiceRow(
          "log.level", "debug, info, warning or error", Of(&Settings::log_level),
          std::to_array<std::pair<std::string_view, ErrorLog>>({{"debug", ErrorLog::kDebug},
                                                                {"info", ErrorLog::kInfo},
                                                                {"warning", ErrorLog::kWarning},
                                                                {"error", ErrorLog::kError}}),
          "The least severe lines that are logged."),
  };
  for (SettingRow& row : DatabaseSettingRows()) table.push_back(std::move(row));
  for (SettingRow& row : LlmSettingRows()) table.push_back(std::move(row));
  for (SettingRow& row : ShadowSettingRows()) table.push_back(std::move(row));
  for (SettingRow& row : MlflowSettingRows()) table.push_back(std::move(row));
  for (SettingRow& row : FollowSettingRows()) table.push_back(std::move(row));
  for (SettingRow& row : PredictionSettingRows()) table.push_back(std::move(row));
  for (SettingRow& row : TelemetrySettingRows()) table.push_back(std::move(row));
  return table;
}

}  // namespace

const std::vector<SettingRow>& SettingTable() {
  static const std::vector<SettingRow> table = MakeTable();
  return table;
}

const SettingRow* FindSetting(std::string_view path) {
  for (const SettingRow& row : SettingTable()) {
    if (row.path == path) return &row;
  }
  return nullptr;
}

const std::vector<std::string_view>& OtherEnvironment() {
  // PODIUM_BIN is what the tests run; no command reads it.
  static const std::vector<std::string_view> names = {
      "PODIUM_ADDR", "PODIUM_TOKEN", "PODIUM_OUTPUT", "PODIUM_CONFIG", "PODIUM_ADMIN_TOKEN_FILE",
      "PODIUM_BIN"};
  return names;
}

std::string SettingsHelp() {
  std::string text =
      "Settings of `podium serve` and `podium demo`. A flag wins over the environment, the\n"
      "environment over the file (--config, or PODIUM_CONFIG), the file over the default.\n"
      "In the file, ${env:NAME}, ${env:NAME:-default} and ${file:PATH} stand for what is there.\n";
  const Settings defaults;
  for (const SettingRow& row : SettingTable()) {
    const std::string shown = row.show(defaults);
    text += fmt::format("\n{}  ({}{}{})\n", row.path, row.type, row.range.empty() ? "" : ", ",
                        row.range);
    text += fmt::format("    {}\n", row.help);
    text += fmt::format("    {}; default {}\n", row.env.empty() ? "in the file only" : row.env,
                        shown.empty() ? "none" : shown);
  }
  return text;
}

}  // namespace podium::app
