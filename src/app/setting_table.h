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
  std::string_view path;   ///< In the file: "server.listen".
  std::string env;         ///< "PODIUM_SERVER_LISTEN".
  std::string_view type;   ///< For the help: "duration", "one of json, text".
  std::string range;       ///< "1s..1h"; empty when the type says it all.
  std::string_view help;   ///< One line.
  bool is_list = false;    ///< A sequence in the file; separated by commas elsewhere.
  bool is_secret = false;  ///< Never shown, neither in messages nor in the help.
  /// Checks and stores. The message follows the path and a space: "is 9999, must be within
  /// 0..1024".
  std::function<Status(Settings&, const std::vector<std::string>& values)> set;
  std::function<std::string(const Settings&)> show;
};

/// All settings in the order of the help.
const std::vector<SettingRow>& SettingTable();
/// The row of a path, or null.
const SettingRow* FindSetting(std::string_view path);

/// Variables that start with PODIUM_ and are no settings of the server: the command line's own.
const std::vector<std::string_view>& OtherEnvironment();

/// The table as text: path, variable, default and meaning.
std::string SettingsHelp();

}  // namespace podium::app
