#include "app/settings_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <utility>

#include "app/setting_table.h"
#include "base/suggest.h"
#include "domain/names.h"

namespace podium::app {
namespace {

constexpr std::size_t kMaxFindings = 100;  // A file of another kind would fill the screen.

bool IsSection(std::string_view path) {
  for (const SettingRow& row : SettingTable()) {
    if (row.path.size() > path.size() && row.path.starts_with(path) &&
        row.path[path.size()] == '.') {
      return true;
    }
  }
  return false;
}

std::vector<std::string_view> KeysOf(std::string_view section) {
  std::vector<std::string_view> keys;
  for (const SettingRow& row : SettingTable()) {
    std::string_view rest = row.path;
    if (!section.empty()) {
      if (!rest.starts_with(section) || rest[section.size()] != '.') continue;
      rest.remove_prefix(section.size() + 1);
    }
    const std::string_view key = rest.substr(0, rest.find('.'));
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
  }
  return keys;
}

// Where the reader is: `pattern` as the table has it, `shown` as the file has it.
struct Where {
  std::string pattern;
  std::string shown;
  std::string name;  // What stands for the "*".
};

std::string Joined(const std::string& section, std::string_view key) {
  return section.empty() ? std::string(key) : section + "." + std::string(key);
}

// A key that the table does not spell out may stand for its "*".
Where Below(const Where& section, const std::string& key) {
  const std::string plain = Joined(section.pattern, key);
  if (key != "*" && (FindSetting(plain) != nullptr || IsSection(plain))) {
    return {plain, Joined(section.shown, key), section.name};
  }
  const std::string any = Joined(section.pattern, "*");
  if (!section.pattern.empty() && IsSection(any)) return {any, Joined(section.shown, key), key};
  return {plain, Joined(section.shown, key), section.name};
}

// The hint for an unknown key: a near one beside it, or one of that name in another section.
std::string Hint(std::string_view key, std::string_view section) {
  std::string hint = DidYouMean(key, KeysOf(section));
  if (!hint.empty()) return hint;
  for (const SettingRow& row : SettingTable()) {
    const std::size_t dot = row.path.rfind('.');
    if (row.path == key || (dot != std::string_view::npos && row.path.substr(dot + 1) == key)) {
      return fmt::format(" (did you mean {}?)", row.path);
    }
  }
  return fmt::format(" (known: {})", fmt::join(KeysOf(section), ", "));
}

/// Remembers where the latest document begins and nothing else.
class DocumentStart final : public YAML::EventHandler {
 public:
  const YAML::Mark& mark() const { return mark_; }

  void OnDocumentStart(const YAML::Mark& mark) override { mark_ = mark; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

 private:
  YAML::Mark mark_ = YAML::Mark::null_mark();
};

class FileReader {
 public:
  FileReader(std::string_view name, std::string_view text)
      : name_(name), text_(text), lines_(MaskedLines(text)) {}

  SettingsFile Read() && {
    try {
      ReadDocuments();
    } catch (const YAML::Exception& error) {
      // The reader stops at the first mistake of syntax: what follows cannot be told apart.
      ReportSyntax(At(error.mark, 1), error.msg);
    }
    return std::move(result_);
  }

 private:
  void ReadDocuments() {
    if (text_.size() > kMaxSettingsBytes) {
      Report(At(YAML::Mark::null_mark(), 1),
             fmt::format("the file has {} bytes, at most {} are read", text_.size(),
                         kMaxSettingsBytes));
      return;
    }
    if (text_.find('\0') != std::string_view::npos) {
      Report(At(YAML::Mark::null_mark(), 1), "not valid YAML: it holds a zero byte");
      return;
    }
    const YAML::Node document = YAML::Load(std::string(text_));
    ReportRest();
    ReadMap(document, {});
  }

  // The library stops without a word where a token begins no value, and reads further documents
  // only for those who ask (and for ever, if such a token comes first). So what is left is looked
  // at.
  void ReportRest() {
    std::istringstream stream{std::string(text_)};
    YAML::Parser parser(stream);
    DocumentStart start;
    if (!parser.HandleNextDocument(start) || !parser || !parser.HandleNextDocument(start)) return;
    const Place place = At(start.mark(), 1);
    const std::string& line = lines_.at(std::min(place.line, lines_.size()) - 1);
    Report(place, line.starts_with("---")
                      ? "a second document: the settings are one document"
                      : "not valid YAML: what stands here belongs to nothing before it");
  }

  void ReportSyntax(Place place, const std::string& what) {
    const std::size_t index = place.line - 1;
    if (index < lines_.size() && lines_[index].starts_with('\t')) {
      place.column = 1;
      Report(place, "not valid YAML: the line starts with a tab, YAML is indented with spaces");
      return;
    }
    Report(place, "not valid YAML: " + what);
  }

  void ReadMap(const YAML::Node& node, const Where& section) {
    if (!node.IsDefined() || node.IsNull()) return;  // An empty section leaves the defaults.
    if (!node.IsMap()) {
      Report(At(node.Mark(), Width(node)),
             section.pattern.empty()
                 ? std::string("the settings are a map of sections, as in `server:`")
                 : fmt::format("{} is a section: its keys ({}) go below it", Shown(section.shown),
                               fmt::join(KeysOf(section.pattern), ", ")));
      return;
    }
    if (!PlainTag(node)) return;
    std::map<std::string, Place> seen;
    for (const auto& pair : node) ReadPair(pair.first, pair.second, section, seen);
  }

  void ReadPair(const YAML::Node& key, const YAML::Node& value, const Where& section,
                std::map<std::string, Place>& seen) {
    if (!key.IsScalar()) {
      Report(At(key.Mark(), 1), "a key must be a name");
      return;
    }
    const std::string& name = key.Scalar();
    const Place place = At(key.Mark(), std::max<std::size_t>(name.size(), 1));
    const auto [first, is_new] = seen.emplace(name, place);
    const Where where = Below(section, name);
    if (!is_new) {
      Report(place, fmt::format("{} is given twice, first on line {}", Shown(where.shown),
                                first->second.line));
      return;
    }
    if (name == "<<") {
      Report(place, "merge keys (<<) are not read: repeat the keys");
    } else if (const SettingRow* row = FindSetting(where.pattern)) {
      ReadValue(*row, where, value, place);
    } else if (IsSection(where.pattern)) {
      if (where.pattern.ends_with('*') && !CheckNamed(where, value, place)) return;
      ReadMap(value, where);
    } else {
      Report(place, fmt::format("unknown key \"{}\"{}{}", Shown(name),
                                section.shown.empty() ? "" : " in " + Shown(section.shown),
                                Hint(name, section.pattern)));
    }
  }

  // A thing that has a name, and some keys below it.
  bool CheckNamed(const Where& where, const YAML::Node& value, const Place& place) {
    if (const Status checked = CheckName("the name", where.name); !checked) {
      Report(place, fmt::format("{}: {}", Shown(where.shown), checked.error().message));
      return false;
    }
    if (value.IsDefined() && !value.IsNull() && !(value.IsMap() && value.size() == 0)) return true;
    Report(place, fmt::format("{} has no keys: {} go below it", Shown(where.shown),
                              fmt::join(KeysOf(where.pattern), ", ")));
    return false;
  }

  void ReadValue(const SettingRow& row, const Where& where, const YAML::Node& value,
                 const Place& key) {
    if (!value.IsDefined() || value.IsNull()) {
      const std::string shown = row.show(Settings{});
      Report(key, fmt::format("{} has no value: leave the line out for the default{}",
                              Shown(where.shown), shown.empty() ? "" : ", " + shown));
      return;
    }
    if (!PlainTag(value)) return;
    FileEntry entry{row.path, where.shown, where.name, key, {}};
    if (!row.is_list) {
      if (!value.IsScalar()) {
        Report(At(value.Mark(), 1),
               fmt::format("{} must be one value ({})", Shown(where.shown), row.type));
        return;
      }
      entry.values.push_back({value.Scalar(), At(value.Mark(), Width(value))});
    } else {
      if (!value.IsSequence()) {
        Report(At(value.Mark(), Width(value)),
               fmt::format("{} must be a list, as in [first, second]", Shown(where.shown)));
        return;
      }
      for (const YAML::Node& item : value) {
        if (!item.IsScalar()) {
          Report(At(item.Mark(), 1),
                 fmt::format("an item of {} must be one value", Shown(where.shown)));
          return;
        }
        entry.values.push_back({item.Scalar(), At(item.Mark(), Width(item))});
      }
    }
    result_.entries.push_back(std::move(entry));
  }

  bool PlainTag(const YAML::Node& node) {
    const std::string& tag = node.Tag();
    if (tag.empty() || tag == "?" || tag == "!" || tag.starts_with("tag:yaml.org,2002:")) {
      return true;
    }
    Report(At(node.Mark(), 1), fmt::format("the tag {} is not read: leave it out", Shown(tag)));
    return false;
  }

  // What the caret line underlines: the value as far as it stands on its first line.
  static std::size_t Width(const YAML::Node& node) {
    if (!node.IsScalar()) return 1;
    const std::string& text = node.Scalar();
    return std::max<std::size_t>(1, std::min(text.find('\n'), text.size()));
  }

  // Keys come from outside: shown without control characters, and not at any length.
  static std::string Shown(std::string_view text) {
    std::string shown;
    for (const char c : text.substr(0, 80)) {
      shown += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    }
    return shown;
  }

  Place At(const YAML::Mark& mark, std::size_t length) const {
    if (mark.is_null()) return {std::string(name_), 1, 1, length};
    return {std::string(name_), static_cast<std::size_t>(std::max(mark.line, 0)) + 1,
            static_cast<std::size_t>(std::max(mark.column, 0)) + 1, length};
  }

  void Report(const Place& place, std::string message) {
    if (result_.findings.size() == kMaxFindings) return;
    const std::size_t index = place.line - 1;
    result_.findings.push_back({Severity::kError, place, std::move(message),
                                index < lines_.size() ? lines_[index] : std::string()});
  }

  std::string_view name_;
  std::string_view text_;
  std::vector<std::string> lines_;
  SettingsFile result_;
};

}  // namespace

SettingsFile ParseSettingsFile(std::string_view name, std::string_view text) {
  return FileReader(name, text).Read();
}

}  // namespace podium::app
