#include "app/settings_load.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "app/setting_table.h"
#include "app/settings_file.h"
#include "base/limits.h"
#include "base/suggest.h"
#include "domain/version.h"
#include "net/tls.h"

namespace podium::app {
namespace {

constexpr std::string_view kPrefix = "PODIUM_";
constexpr std::string_view kTokenFile = "PODIUM_ADMIN_TOKEN_FILE";
constexpr std::string_view kTokenPath = "auth.admin_token";
constexpr std::string_view kListenPath = "server.listen";
constexpr std::string_view kDatabasePath = "database.url";

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
               fmt::format("{}: {}", entry.shown, text.error().message));
        return;
      }
      if (row.is_secret && *text == value.text) {
        Report(Severity::kWarning, value.place,
               fmt::format("{} is a literal secret: write ${{env:{}}} or ${{file:PATH}}", row.path,
                           row.env));
      }
      values.push_back(*std::move(text));
    }
    if (!entry.name.empty()) named_.try_emplace(Thing(entry), entry.place);
    Set(row, entry, values, entry.values.empty() ? entry.place : entry.values.front().place);
  }

  // "providers.main" of an entry below it.
  static std::string Thing(const FileEntry& entry) {
    return std::string(entry.path.substr(0, entry.path.find('*'))) + entry.name;
  }

  void LoadEnvironment() {
    for (const auto& [name, value] : sources_.environment) {
      const SettingRow* row = RowOf(name);
      if (!name.starts_with(kPrefix)) {
        if (row != nullptr && row->path == kDatabasePath && !value.empty()) {
          // The registry's place: to pass over a mistake here would be to serve from another one.
          LoadText(*row, value, {"env " + name});
        } else if (row != nullptr) {
          LoadShared(*row, name, value);
        }
        continue;
      }
      if (row != nullptr) {
        LoadText(*row, value, {"env " + name});
      } else if (name == kTokenFile) {
        LoadTokenFile(value);
      } else {
        WarnIfUnknown(name);
      }
    }
  }

  // A variable that other programs read too: what one of them means by it must not keep Podium from
  // starting, and an empty one is none.
  void LoadShared(const SettingRow& row, const std::string& name, const std::string& text) {
    if (text.empty()) return;
    Settings with = loaded_.settings;
    const auto values = row.is_list ? SplitCommas(text) : std::vector<std::string>{text};
    if (auto set = row.set(with, "", values); set) {
      loaded_.settings = std::move(with);
    } else {
      Report(Severity::kWarning, {"env " + name},
             fmt::format("{} {}: passed over", row.path, set.error().message));
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
    const SettingRow& row = *FindSetting(kTokenPath);
    Set(row, Unnamed(row), {WithoutLineEnd(*std::move(text))}, place);
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
    Set(row, Unnamed(row), row.is_list ? SplitCommas(text) : std::vector<std::string>{text}, place);
  }

  static FileEntry Unnamed(const SettingRow& row) {
    return {row.path, std::string(row.path), "", {}, {}};
  }

  void Set(const SettingRow& row, const FileEntry& entry, const std::vector<std::string>& values,
           const Place& place) {
    if (auto set = row.set(loaded_.settings, entry.name, values); !set) {
      Report(Severity::kError, place, fmt::format("{} {}", entry.shown, set.error().message));
      broken_.push_back(row.path);
      if (!entry.name.empty()) broken_things_.insert(Thing(entry));
    }
    if (row.path == kListenPath) listen_place_ = place;
    if (row.path == "default_provider") named_[""] = place;
  }

  // What is right by itself and wrong together.
  void CheckTogether() {
    CheckDoor();
    CheckProviderCount();
    for (auto& [name, provider] : loaded_.settings.providers) CheckProvider(name, provider);
    for (const auto& [tag, target] : loaded_.settings.routes) CheckRoute(tag, target);
    for (const auto& [tag, shadow] : loaded_.settings.shadows) CheckShadow(tag, shadow);
    const std::string& fallback = loaded_.settings.default_provider;
    if (!fallback.empty()) CheckNamesProvider("default_provider", fallback, PlaceOf(""));
  }

  Place PlaceOf(const std::string& thing) const {
    const auto found = named_.find(thing);
    return found == named_.end() ? Place{"default_provider"} : found->second;
  }

  void CheckProviderCount() {
    const auto& providers = loaded_.settings.providers;
    if (providers.size() <= limits::kMaxProviders) return;
    const std::string& beyond = std::next(providers.begin(), limits::kMaxProviders)->first;
    Report(Severity::kError, PlaceOf("providers." + beyond),
           fmt::format("{} providers are named, at most {} can be: leave some out",
                       providers.size(), limits::kMaxProviders));
  }

  void CheckProvider(const std::string& name, ProviderSettings& provider) {
    const std::string path = "providers." + name;
    const Place place = PlaceOf(path);
    if (!broken_things_.contains(path) && (!provider.kind || !provider.base_url)) {
      Report(Severity::kError, place,
             fmt::format("{} needs {}", path,
                         provider.kind ? "base_url" : "kind: openai or anthropic"));
    }
    if (name == kLocalProvider) {
      Report(Severity::kError, place,
             fmt::format("{}: \"local\" is the name of models in this process", path));
    }
    if (!provider.api_key_env.empty() && !provider.api_key_file.empty()) {
      Report(Severity::kError, place,
             fmt::format("{} has api_key_env and api_key_file: leave one of them out", path));
    }
    if (provider.azure && provider.kind == gateway::ProviderKind::kAnthropic) {
      Report(Severity::kError, place, fmt::format("{}: azure is for kind openai", path));
    }
    Result<Secret> credential = CredentialOf(provider);
    // Not errors: the other providers can do their work.
    if (!credential) {
      provider.trouble = credential.error().message;
    } else {
      provider.credential = *std::move(credential);
      if (const Status trusted = CheckTrust(provider); !trusted) {
        provider.trouble = trusted.error().message;
      }
    }
    if (!provider.trouble.empty()) {
      Report(Severity::kWarning, place,
             fmt::format("{} cannot be called: {}", path, provider.trouble));
    } else if (!provider.credential.empty() && provider.base_url && !provider.base_url->tls &&
               !provider.allow_private) {
      Report(Severity::kWarning, place,
             fmt::format("{} gets its credential unencrypted: write https://", path));
    }
  }

  static Status CheckTrust(const ProviderSettings& provider) {
    if (provider.ca_file.empty() || !provider.base_url || !provider.base_url->tls) return {};
    PODIUM_TRY(net::TlsTrust::Load(provider.ca_file.string()));
    return {};
  }

  Result<Secret> CredentialOf(const ProviderSettings& provider) const {
    std::string text;
    if (!provider.api_key_env.empty()) {
      const auto found = sources_.environment.find(provider.api_key_env);
      if (found == sources_.environment.end() || found->second.empty()) {
        return Fail(ErrorCode::kNotFound, "the environment variable {} is not set",
                    provider.api_key_env);
      }
      text = found->second;
    } else if (!provider.api_key_file.empty()) {
      PODIUM_TRY_ASSIGN(text, sources_.read_file(provider.api_key_file.string()));
    } else {
      return Secret();
    }
    text = WithoutLineEnd(std::move(text));
    const bool fits = !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
      return c > 0x20 && c < 0x7F;
    });
    if (fits) return Secret(std::move(text));
    return Fail(ErrorCode::kInvalidArgument,
                "its credential is empty, or holds what no header may: a space, a line end");
  }

  void CheckRoute(const std::string& tag, const routing::UpstreamTarget& target) {
    const std::string path = "routes." + tag;
    if (broken_things_.contains(path)) return;
    const Place place = PlaceOf(path);
    if (target.provider.empty() || target.upstream_model.empty()) {
      Report(
          Severity::kError, place,
          fmt::format("{}.default needs {}", path, target.provider.empty() ? "provider" : "model"));
      return;
    }
    CheckNamesProvider(path + ".default.provider", target.provider, place);
  }

  // One that is registered already needs no name here.
  void CheckShadow(const std::string& tag, const ShadowSettings& shadow) {
    const std::string path = "routes." + tag;
    if (broken_things_.contains(path)) return;
    if (shadow.provider.empty() != shadow.upstream_model.empty()) {
      Report(Severity::kError, PlaceOf(path),
             fmt::format("{}.shadow needs {} too, or neither", path,
                         shadow.provider.empty() ? "provider" : "model"));
      return;
    }
    if (shadow.provider.empty()) return;
    CheckNamesProvider(path + ".shadow.provider", shadow.provider, PlaceOf(path));
  }

  void CheckNamesProvider(const std::string& path, const std::string& name, const Place& place) {
    const auto& providers = loaded_.settings.providers;
    if (providers.contains(name)) return;
    std::vector<std::string_view> known;
    for (const auto& [each, ignored] : providers) known.emplace_back(each);
    Report(Severity::kError, place,
           fmt::format("{} is \"{}\", which is no provider{}", path, name,
                       known.empty() ? ": there is no `providers:`" : DidYouMean(name, known)));
  }

  void CheckDoor() {
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
      if (!row.env.empty() && row.env == variable) return &row;
    }
    return nullptr;
  }

  void WarnIfUnknown(const std::string& name) {
    std::vector<std::string_view> known = OtherEnvironment();
    if (std::find(known.begin(), known.end(), name) != known.end()) return;
    for (const SettingRow& row : SettingTable()) {
      if (row.env.starts_with(kPrefix)) known.emplace_back(row.env);
    }
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
  std::map<std::string, Place> named_;  // "providers.main": where the file begins to speak of it.
  std::set<std::string> broken_things_;
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
