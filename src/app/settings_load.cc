#include "app/settings_load.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <tuple>
#include <utility>

#include "app/setting_table.h"
#include "app/settings_file.h"
#include "base/suggest.h"

namespace podium::app {
namespace {

constexpr std::string_view kPrefix = "PODIUM_";
constexpr std::string_view kTokenFile = "PODIUM_ADMIN_TOKEN_FILE";
constexpr std::string_view kTokenPath = "auth.admin_token";
constexpr std::string_view kListenPath = "server.listen";

// Names are letters, digits and underscores; anything else is a slip that must show.
bool IsVariableName(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::string WithoutLineEnd(std::string text) {
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

std::vector<std::string> SplitCommas(std::string_view text) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t comma = text.find(',');
    parts.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

Result<std::string> Resolve(std::string_view reference, const Environment& environment,
                            const std::function<Result<std::string>(const std::string&)>& read) {
  if (reference.starts_with("env:")) {
    reference.remove_prefix(4);
    const std::size_t dash = reference.find(":-");
    const std::string name(reference.substr(0, dash));
    if (!IsVariableName(name)) {
      return Fail(ErrorCode::kInvalidArgument, "${{env:{}}} names no variable", name);
    }
    const auto found = environment.find(name);
    if (found != environment.end() && !found->second.empty()) return found->second;
    if (dash != std::string_view::npos) return std::string(reference.substr(dash + 2));
    return Fail(ErrorCode::kInvalidArgument,
                "the environment variable {} is not set; set it, or write ${{env:{}:-default}}",
                name, name);
  }
  if (reference.starts_with("file:") && reference.size() > 5) {
    PODIUM_TRY_ASSIGN(std::string text, read(std::string(reference.substr(5))));
    return WithoutLineEnd(std::move(text));
  }
  return Fail(ErrorCode::kInvalidArgument,
              "\"${{{}}}\" is no reference: write ${{env:NAME}}, ${{env:NAME:-default}} or "
              "${{file:PATH}}",
              reference);
}

class Loader {
 public:
  explicit Loader(const SettingsSources& sources) : sources_(sources) {
    loaded_.settings = sources.defaults;
  }

  LoadedSettings Load() && {
    if (sources_.file) LoadFile();
    LoadEnvironment();
    for (const FlagValue& flag : sources_.flags) LoadFlag(flag);
    CheckTogether();
    return std::move(loaded_);
  }

 private:
  void LoadFile() {
    const auto& [name, text] = *sources_.file;
    SettingsFile file = ParseSettingsFile(name, text);
    lines_ = MaskedLines(text);
    loaded_.findings = std::move(file.findings);
    for (const FileEntry& entry : file.entries) LoadEntry(entry);
    std::sort(loaded_.findings.begin(), loaded_.findings.end(),
              [](const Finding& a, const Finding& b) {
                return std::tie(a.place.line, a.place.column, a.message) <
                       std::tie(b.place.line, b.place.column, b.message);
              });
  }

  void LoadEntry(const FileEntry& entry) {
    const SettingRow& row = *FindSetting(entry.path);
    std::vector<std::string> values;
    for (const FileValue& value : entry.values) {
      auto text = ExpandReferences(value.text, sources_.environment, sources_.read_file);
      if (!text) {
        Report(Severity::kError, value.place,
               fmt::format("{}: {}", row.path, text.error().message));
        return;
      }
      if (row.is_secret && *text == value.text) {
        Report(Severity::kWarning, value.place,
               fmt::format("{} is a literal secret: write ${{env:{}}} or ${{file:PATH}}", row.path,
                           row.env));
      }
      values.push_back(*std::move(text));
    }
    Set(row, values, entry.values.empty() ? entry.place : entry.values.front().place);
  }

  void LoadEnvironment() {
    for (const auto& [name, value] : sources_.environment) {
      if (!name.starts_with(kPrefix)) continue;
      if (const SettingRow* row = RowOf(name)) {
        LoadText(*row, value, {"env " + name});
      } else if (name == kTokenFile) {
        LoadTokenFile(value);
      } else {
        WarnIfUnknown(name);
      }
    }
  }

  void LoadTokenFile(const std::string& path) {
    const Place place{"env " + std::string(kTokenFile)};
    if (sources_.environment.contains("PODIUM_ADMIN_TOKEN")) {
      Report(Severity::kError, place, "PODIUM_ADMIN_TOKEN is set too: unset one of them");
      return;
    }
    auto text = sources_.read_file(path);
    if (!text) {
      Report(Severity::kError, place, text.error().message);
      return;
    }
    Set(*FindSetting(kTokenPath), {WithoutLineEnd(*std::move(text))}, place);
  }

  void LoadFlag(const FlagValue& flag) {
    LoadText(*FindSetting(flag.path), flag.value, {"flag " + flag.flag});
  }

  void LoadText(const SettingRow& row, const std::string& text, const Place& place) {
    if (text.empty()) {
      Report(Severity::kError, place,
             fmt::format("{} has no value: unset it for the default", row.path));
      return;
    }
    Set(row, row.is_list ? SplitCommas(text) : std::vector<std::string>{text}, place);
  }

  void Set(const SettingRow& row, const std::vector<std::string>& values, const Place& place) {
    if (auto set = row.set(loaded_.settings, values); !set) {
      Report(Severity::kError, place, fmt::format("{} {}", row.path, set.error().message));
      broken_.push_back(row.path);
    }
    if (row.path == kListenPath) listen_place_ = place;
  }

  // What is right by itself and wrong together.
  void CheckTogether() {
    const Settings& settings = loaded_.settings;
    const bool listens_outside = !net::IsLoopback(settings.listen.host);
    const bool has_mistake =
        std::find(broken_.begin(), broken_.end(), kTokenPath) != broken_.end() ||
        std::find(broken_.begin(), broken_.end(), kListenPath) != broken_.end();
    if (!listens_outside || !settings.admin_token.empty() || has_mistake) return;
    Report(
        Severity::kError, listen_place_,
        fmt::format("{} is not a loopback address, and without a token everybody who reaches it "
                    "could change what is served.\n"
                    "fix: PODIUM_ADMIN_TOKEN=$(openssl rand -hex 24) podium serve --listen {}\n"
                    "     (keep the token: clients send it, `podium` reads it from PODIUM_TOKEN)",
                    settings.listen.host, net::ToString(settings.listen)));
  }

  static const SettingRow* RowOf(std::string_view variable) {
    for (const SettingRow& row : SettingTable()) {
      if (row.env == variable) return &row;
    }
    return nullptr;
  }

  void WarnIfUnknown(const std::string& name) {
    std::vector<std::string_view> known = OtherEnvironment();
    if (std::find(known.begin(), known.end(), name) != known.end()) return;
    for (const SettingRow& row : SettingTable()) known.emplace_back(row.env);
    // The path of a setting whose variable has a name of its own.
    if (name == "PODIUM_AUTH_ADMIN_TOKEN") {
      Report(Severity::kWarning, {"env " + name},
             "nothing reads this variable (did you mean \"PODIUM_ADMIN_TOKEN\"?)");
      return;
    }
    Report(Severity::kWarning, {"env " + name},
           "nothing reads this variable" + DidYouMean(name, known));
  }

  void Report(Severity severity, const Place& place, std::string message) {
    const std::size_t index = place.line - 1;  // Wraps for places without lines.
    loaded_.findings.push_back({severity, place, std::move(message),
                                index < lines_.size() ? lines_[index] : std::string()});
  }

  const SettingsSources& sources_;
  std::vector<std::string> lines_;        // Of the file, as they may be shown.
  std::vector<std::string_view> broken_;  // Paths that some source gave wrongly.
  Place listen_place_{"default"};
  LoadedSettings loaded_;
};

}  // namespace

LoadedSettings LoadSettings(const SettingsSources& sources) { return Loader(sources).Load(); }

Result<std::string> ExpandReferences(
    const std::string& text, const Environment& environment,
    const std::function<Result<std::string>(const std::string& path)>& read_file) {
  std::string expanded;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = text.find("${", at);
    if (start == std::string::npos) return expanded + text.substr(at);
    if (start > at && text[start - 1] == '$') {
      expanded += text.substr(at, start - at - 1) + "${";
      at = start + 2;
      continue;
    }
    const std::size_t end = text.find('}', start);
    if (end == std::string::npos) {
      return Fail(ErrorCode::kInvalidArgument, "a \"${{\" is not closed with \"}}\"");
    }
    expanded += text.substr(at, start - at);
    const std::string reference = text.substr(start + 2, end - start - 2);
    PODIUM_TRY_ASSIGN(const std::string value, Resolve(reference, environment, read_file));
    expanded += value;
    at = end + 1;
  }
  return expanded;
}

}  // namespace podium::app
