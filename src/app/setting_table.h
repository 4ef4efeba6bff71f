// The settings as data: one row per setting drives the file's keys, the environment's names, the
// ranges, the messages and the help.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "app/settings.h"
#include "base/result.h"

namespace podium::app {

struct SettingRow {
  /// In the file: "server.listen". A "*" stands for any name: "providers.*.kind".
  std::string_view path;
  std::string env;         ///< "PODIUM_SERVER_LISTEN"; empty: only the file can say it.
  std::string_view type;   ///< For the help: "duration", "one of json, text".
  std::string range;       ///< "1s..1h"; empty when the type says it all.
  std::string_view help;   ///< One line.
  bool is_list = false;    ///< A sequence in the file; separated by commas elsewhere.
  bool is_secret = false;  ///< Never shown, neither in messages nor in the help.
  /// Checks and stores; `name` is what stands for the "*". The message follows the path and a
  /// space: "is 9999, must be within 0..1024".
  std::function<Status(Settings&, const std::string& name, const std::vector<std::string>& values)>
      set;
  std::function<std::string(const Settings&)> show;  ///< Of a path with a "*": the default.

  bool is_named() const { return path.find('*') != std::string_view::npos; }
};

/// All settings in the order of the help.
const std::vector<SettingRow>& SettingTable();
/// The row of a path ("*" written out as such), or null.
const SettingRow* FindSetting(std::string_view path);

/// The rows of setting_table.cc's last sections: database, providers, routes, llm, mlflow, follow,
/// predictions and telemetry.
std::vector<SettingRow> DatabaseSettingRows();
std::vector<SettingRow> LlmSettingRows();
std::vector<SettingRow> MlflowSettingRows();
std::vector<SettingRow> FollowSettingRows();
std::vector<SettingRow> PredictionSettingRows();
std::vector<SettingRow> TelemetrySettingRows();
std::vector<SettingRow> ShadowSettingRows();

/// Variables that start with PODIUM_ and are no settings of the server: the command line's own.
const std::vector<std::string_view>& OtherEnvironment();

/// The table as text: path, variable, default and meaning.
std::string SettingsHelp();

}  // namespace podium::app
