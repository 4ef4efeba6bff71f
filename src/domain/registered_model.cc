#include "domain/registered_model.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/utf8.h"
#include "domain/model_limits.h"

namespace podium {
namespace {

constexpr std::array<std::pair<ModelStage, std::string_view>, 5> kStages = {{
    {ModelStage::kNone, "None"},
    {ModelStage::kStaging, "Staging"},
    {ModelStage::kProduction, "Production"},
    {ModelStage::kArchived, "Archived"},
    {ModelStage::kDeleted, "Deleted_Internal"},
}};

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool SameLetters(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return Lower(x) == Lower(y); });
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAliasChar(char c) {
  return IsDigit(c) || (Lower(c) >= 'a' && Lower(c) <= 'z') || c == '_' || c == '-';
}
bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

Failure Invalid(std::string text) {
  return Fail(Error{ErrorCode::kInvalidArgument, std::move(text), "", nullptr});
}

}  // namespace

std::string_view NameOf(ModelStage stage) {
  return kStages[static_cast<std::size_t>(stage)].second;
}

Result<ModelStage> ParseStage(std::string_view text) {
  for (const auto& [stage, name] : kStages) {
    if (stage != ModelStage::kDeleted && SameLetters(text, name)) return stage;
  }
  return Invalid(fmt::format(
      "Invalid Model Version stage: {}. Value must be one of None, Staging, Production, "
      "Archived.",
      Shortened(text, limits::kMaxNameBytes)));
}

std::optional<ModelStage> StageFromRow(std::string_view text) {
  for (const auto& [stage, name] : kStages) {
    if (text == name) return stage;
  }
  return std::nullopt;
}

Status CheckModelText(std::string_view what, std::string_view text, std::size_t limit) {
  std::size_t characters = 0;
  for (std::string_view rest = text; !rest.empty(); ++characters) {
    const std::size_t length = Utf8Length(rest);
    if (length == 0) return Invalid(fmt::format("{} is not valid UTF-8", what));
    if (rest.front() == '\0') return Invalid(fmt::format("{} holds a NUL character", what));
    rest.remove_prefix(length);
  }
  if (characters <= limit) return {};
  return Invalid(fmt::format("{} has {} characters, the limit is {}", what, characters, limit));
}

Status CheckModelName(std::string_view name) {
  if (name.find_first_not_of(' ') == std::string_view::npos) {
    return Invalid("Registered model name cannot be empty.");
  }
  PODIUM_TRY(CheckModelText("Registered model name", name, limits::kMaxModelNameChars));
  // ".." and what begins so would be another folder where names become paths.
  const bool is_step = name == "." || name.starts_with("..");
  if (is_step || name.find_first_of("/:") != std::string_view::npos ||
      std::ranges::any_of(name, IsControl)) {
    return Invalid(
        fmt::format("Invalid model name: '{}'. It may not hold '/', ':' or control characters, be "
                    "'.' or start with '..'.",
                    name));
  }
  return {};
}

Status CheckAlias(std::string_view alias) {
  if (alias.empty()) return Invalid("Registered model alias name cannot be empty.");
  if (alias.size() > limits::kMaxAliasChars) {
    return Invalid(fmt::format("Registered model alias name has {} characters, the limit is {}",
                               alias.size(), limits::kMaxAliasChars));
  }
  if (!std::ranges::all_of(alias, IsAliasChar)) {
    return Invalid(
        fmt::format("Invalid alias name: '{}'. It may hold letters, digits, '_' and '-'.",
                    Shortened(alias, limits::kMaxNameBytes)));
  }
  if (IsLatestAlias(alias)) {
    return Invalid("'latest' alias name (case insensitive) is reserved.");
  }
  if (alias.size() > 1 && Lower(alias.front()) == 'v' &&
      std::ranges::all_of(alias.substr(1), IsDigit)) {
    return Invalid(fmt::format("Version alias name '{}' is reserved.", alias));
  }
  return {};
}

bool IsLatestAlias(std::string_view alias) { return SameLetters(alias, "latest"); }

Status CheckTagKey(std::string_view key) {
  if (key.empty()) return Invalid("Tag name cannot be empty.");
  PODIUM_TRY(CheckModelText("Tag name", key, limits::kMaxTagKeyChars));
  if (std::ranges::any_of(key, IsControl)) {
    return Invalid("Invalid tag name: it holds a control character.");
  }
  return {};
}

Result<std::int64_t> ParseVersionNumber(std::string_view text) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc{} && stop == end) return number;
  return Invalid(fmt::format("Parameter 'version' must be an integer, got '{}'.",
                             Shortened(text, limits::kMaxNameBytes)));
}

Status CheckTagRoom(const TagMap& tags) {
  std::size_t bytes = 0;
  for (const auto& [key, value] : tags) bytes += key.size() + value.size();
  if (tags.size() > limits::kMaxModelTags) {
    return Invalid(fmt::format("there would be {} tags, the limit is {}: delete some first",
                               tags.size(), limits::kMaxModelTags));
  }
  if (bytes <= limits::kMaxModelTagsBytes) return {};
  return Invalid(
      fmt::format("the tags would have {} bytes in all, the limit is {}: delete some "
                  "first",
                  bytes, limits::kMaxModelTagsBytes));
}

}  // namespace podium
