// The YAML file of the settings, read into entries that remember where they stood.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/finding.h"

namespace podium::app {

inline constexpr std::size_t kMaxSettingsBytes = 1024 * 1024;

/// One scalar as written, references not yet resolved.
struct FileValue {
  std::string text;
  Place place;
};

struct FileEntry {
  std::string_view path;  ///< Of a row of SettingTable.
  std::string shown;      ///< As written: with the name where the row's path has a "*".
  std::string name;       ///< That name; empty without one.
  Place place;            ///< Of the key.
  std::vector<FileValue> values;
};

/// Everything that could be read, and everything that is wrong with the rest: syntax, unknown keys,
/// keys given twice, wrong shapes. Pure.
struct SettingsFile {
  std::vector<FileEntry> entries;
  std::vector<Finding> findings;
};
SettingsFile ParseSettingsFile(std::string_view name, std::string_view text);

}  // namespace podium::app
