// Puts the settings together: flag over environment over file over default. One validator for
// `podium serve`, `podium demo` and `podium check`.
//
// Pure: files and environment are arguments, so that every mistake can be tested.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "app/finding.h"
#include "app/settings.h"
#include "base/result.h"

namespace podium::app {

using Environment = std::map<std::string, std::string>;

/// A setting that a flag gave.
struct FlagValue {
  std::string flag;  ///< "--listen"
  std::string path;  ///< "server.listen"
  std::string value;
};

struct SettingsSources {
  Settings defaults;
  std::optional<std::pair<std::string, std::string>> file;  ///< Its name and its text.
  Environment environment;
  std::vector<FlagValue> flags;
  /// Content of a file that ${file:PATH} or PODIUM_ADMIN_TOKEN_FILE names.
  std::function<Result<std::string>(const std::string& path)> read_file;
};

struct LoadedSettings {
  Settings settings;              ///< Meaningful when no finding is an error.
  std::vector<Finding> findings;  ///< The file's first, by line; then environment, then flags.
};

LoadedSettings LoadSettings(const SettingsSources& sources);

/// Replaces ${env:NAME}, ${env:NAME:-default} and ${file:PATH}; "$${" stands for "${".
Result<std::string> ExpandReferences(
    const std::string& text, const Environment& environment,
    const std::function<Result<std::string>(const std::string& path)>& read_file);

}  // namespace podium::app
