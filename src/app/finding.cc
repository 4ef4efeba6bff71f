#include "app/finding.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>

#include "app/demo_format.h"
#include "app/setting_table.h"
#include "base/suggest.h"

namespace podium::app {
namespace {

constexpr std::string_view kMask = "***";
constexpr std::size_t kMaxShown = 200;  // Of a source line: the rest would only hide the message.

bool IsKeyChar(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// The last word of a secret setting's path, wherever it stands: "url" hides more than
// "database.url", and is right however the file is indented.
bool NamesSecretSetting(std::string_view key) {
  return std::ranges::any_of(SettingTable(), [key](const SettingRow& row) {
    return row.is_secret && row.path.substr(row.path.rfind('.') + 1) == key;
  });
}

// Mistyped keys count too: the value of `admin_tokn` is as secret as that of `admin_token`.
bool SoundsSecret(std::string_view key) {
  std::string lower(key);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (NamesSecretSetting(lower)) return true;
  static constexpr std::array<std::string_view, 7> kWords = {
      "token", "secret", "password", "api_key", "credential", "headers", "database_url"};
  for (const std::string_view word : kWords) {
    if (lower.find(word) != std::string::npos) return true;
  }
  return !Nearest(lower, {"admin_token", "token", "admintoken", "otlp_headers"}).empty();
}

bool IsReference(std::string_view value) {
  const std::size_t start = value.find_first_not_of(" \t\"'");
  if (start == std::string_view::npos) return true;  // Nothing there to hide.
  const std::string_view rest = value.substr(start);
  return rest.starts_with("${env:") || rest.starts_with("${file:");
}

// Where the value of the first key that sounds secret begins; npos without one.
std::size_t SecretValueAt(std::string_view line) {
  for (std::size_t at = 0; at < line.size();) {
    if (!IsKeyChar(line[at])) {
      ++at;
      continue;
    }
    const std::size_t start = at;
    while (at < line.size() && IsKeyChar(line[at])) ++at;
    std::size_t after = at;
    while (after < line.size() && std::string_view(" \t\"'").find(line[after]) != std::string::npos)
      ++after;
    if (after < line.size() && line[after] == ':' && SoundsSecret(line.substr(start, at - start))) {
      return after + 1;
    }
  }
  return std::string_view::npos;
}

std::size_t Indent(std::string_view line) {
  const std::size_t first = line.find_first_not_of(" \t");
  return first == std::string_view::npos ? line.size() : first;
}

bool IsBlank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

// The spaces (tabs where the line has tabs) up to a column, so that the caret stands below it.
std::string Padding(std::string_view line, std::size_t column) {
  std::string padding;
  for (std::size_t i = 0; i + 1 < column; ++i) {
    padding += i < line.size() && line[i] == '\t' ? '\t' : ' ';
  }
  return padding;
}

// A name or password within a URL, and what stands in its query.
std::string WithoutUrlSecrets(std::string line) {
  constexpr std::string_view kScheme = "://";
  for (std::size_t at = line.find(kScheme); at != std::string::npos; at = line.find(kScheme, at)) {
    at += kScheme.size();
    std::size_t end = std::min(line.find_first_of(" \t\"'", at), line.size());
    // A password may hold '/', '?' and '@' as they are, though it should not: the last '@' ends it.
    const std::size_t user_length = std::string_view(line).substr(at, end - at).rfind('@');
    if (user_length != std::string_view::npos && user_length > 0) {
      line.replace(at, user_length, kMask);
      end += kMask.size() - user_length;
      at += kMask.size();
    }
    if (const std::size_t query = line.find('?', at); query < end) {
      line.replace(query + 1, end - query - 1, kMask);
    }
  }
  return line;
}

}  // namespace

std::string_view NameOf(Severity severity) {
  return severity == Severity::kError ? "error" : "warning";
}

std::string Render(const Finding& finding) {
  const Place& place = finding.place;
  std::string text = place.origin;
  if (place.line > 0) text += fmt::format(":{}:{}", place.line, place.column);
  text += fmt::format(": {}: {}\n", NameOf(finding.severity), finding.message);
  if (place.line == 0 || finding.source.empty() || place.column > kMaxShown) return text;
  const std::string_view shown = std::string_view(finding.source).substr(0, kMaxShown);
  const std::size_t room = shown.size() >= place.column ? shown.size() - place.column + 1 : 1;
  const std::size_t length = std::clamp<std::size_t>(place.length, 1, room);
  text += fmt::format("{:>5} | {}\n", place.line, shown);
  text +=
      fmt::format("      | {}^{}\n", Padding(shown, place.column), std::string(length - 1, '~'));
  return text;
}

std::string Summary(const std::vector<Finding>& findings) {
  std::vector<std::pair<std::string, std::size_t>> errors;  // By origin, in order of appearance.
  std::size_t warnings = 0;
  for (const Finding& finding : findings) {
    if (finding.severity == Severity::kWarning) {
      ++warnings;
      continue;
    }
    const std::string& origin = finding.place.origin;
    const std::string where = origin.starts_with("env ")    ? "the environment"
                              : origin.starts_with("flag ") ? "the flags"
                                                            : origin;
    auto found = std::find_if(errors.begin(), errors.end(),
                              [&](const auto& entry) { return entry.first == where; });
    if (found == errors.end()) found = errors.emplace(errors.end(), where, 0);
    ++found->second;
  }
  if (errors.empty() && warnings == 0) return "no mistakes";
  std::string text;
  for (const auto& [where, number] : errors) {
    text += text.empty() ? ShowCount(number, "error") : fmt::format(", {}", number);
    text += " in " + where;
  }
  if (warnings > 0) text += (text.empty() ? "" : ", ") + ShowCount(warnings, "warning");
  return text;
}

bool HasErrors(const std::vector<Finding>& findings) {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& f) { return f.severity == Severity::kError; });
}

std::string MaskSecrets(std::string_view line) {
  const std::size_t at = SecretValueAt(line);
  if (at == std::string_view::npos || IsReference(line.substr(at))) {
    return WithoutUrlSecrets(std::string(line));
  }
  return fmt::format("{} {}", line.substr(0, at), kMask);
}

std::vector<std::string> MaskedLines(std::string_view text) {
  std::vector<std::string> lines;
  std::size_t secret_indent = std::string_view::npos;  // Of the key whose value may still go on.
  while (true) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::size_t indent = Indent(line);
    // A list may stand at the indent of its key.
    const bool is_item = indent == secret_indent && line.substr(indent).starts_with('-');
    const bool inside = secret_indent != std::string_view::npos &&
                        (IsBlank(line) || indent > secret_indent || is_item);
    if (inside) {
      lines.emplace_back(IsBlank(line) ? "" : kMask);
    } else {
      secret_indent =
          SecretValueAt(line) == std::string_view::npos ? std::string_view::npos : indent;
      lines.push_back(MaskSecrets(line));
    }
    if (end == std::string_view::npos) return lines;
    text.remove_prefix(end + 1);
  }
}

}  // namespace podium::app
