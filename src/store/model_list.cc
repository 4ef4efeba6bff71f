#include "store/model_list.h"

#include <array>
#include <compare>
#include <optional>

#include "base/json.h"
#include "base/utf8.h"
#include "domain/model_limits.h"
#include "store/hex_text.h"

namespace podium::store {
namespace {

using Key = std::pair<std::string_view, OrderField>;
constexpr std::array<Key, 3> kModelKeys = {{{"name", OrderField::kName},
                                            {"timestamp", OrderField::kUpdated},
                                            {"last_updated_timestamp", OrderField::kUpdated}}};
constexpr std::array<Key, 4> kVersionKeys = {{{"name", OrderField::kName},
                                              {"version_number", OrderField::kNumber},
                                              {"creation_timestamp", OrderField::kCreated},
                                              {"last_updated_timestamp", OrderField::kUpdated}}};

bool SameLetters(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; };
    return lower(x) == lower(y);
  });
}

std::vector<std::string_view> Words(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\r\n";
  std::vector<std::string_view> words;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(kSpaces), text.size()));
    if (text.empty()) return words;
    const std::size_t end = std::min(text.find_first_of(kSpaces), text.size());
    words.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

Failure InvalidOrder(std::string text) {
  return Fail(Error{ErrorCode::kInvalidArgument, std::move(text), "order_by", nullptr});
}

template <std::size_t kSize>
Result<OrderField> FieldOf(const std::array<Key, kSize>& keys, std::string_view word) {
  for (const std::string_view prefix : {"attribute.", "attributes.", "attr."}) {
    if (word.starts_with(prefix)) word.remove_prefix(prefix.size());
  }
  if (word.size() > 2 && (word.front() == '`' || word.front() == '"') &&
      word.back() == word.front()) {
    word = word.substr(1, word.size() - 2);
  }
  std::string known;
  for (const auto& [name, field] : keys) {
    if (name == word) return field;
    known += (known.empty() ? "'" : ", '") + std::string(name) + "'";
  }
  return InvalidOrder(fmt::format("Invalid order by key '{}' specified. Valid keys are {}",
                                  Shortened(word, limits::kMaxNameBytes), known));
}

template <std::size_t kSize>
Result<OrderTerm> ParseTerm(const std::array<Key, kSize>& keys, const std::string& text) {
  const std::vector<std::string_view> words = Words(text);
  const bool descending = words.size() == 2 && SameLetters(words[1], "desc");
  const bool ascending = words.size() == 1 || (words.size() == 2 && SameLetters(words[1], "asc"));
  if (!descending && !ascending) {
    return InvalidOrder(fmt::format("Invalid order_by clause '{}': write a key, then ASC or DESC",
                                    Shortened(text, limits::kMaxNameBytes)));
  }
  PODIUM_TRY_ASSIGN(const OrderField field, FieldOf(keys, words[0]));
  return OrderTerm{field, descending};
}

bool Has(const ListOrder& order, OrderField field) {
  return std::ranges::any_of(order, [&](const OrderTerm& term) { return term.field == field; });
}

template <std::size_t kSize>
Result<ListOrder> Parse(const std::array<Key, kSize>& keys, const std::vector<std::string>& terms) {
  if (terms.size() > limits::kMaxOrderKeys) {
    return InvalidOrder(
        fmt::format("order_by has {} keys, the limit is {}", terms.size(), limits::kMaxOrderKeys));
  }
  ListOrder order;
  for (const std::string& text : terms) {
    PODIUM_TRY_ASSIGN(const OrderTerm term, ParseTerm(keys, text));
    if (Has(order, term.field)) {
      return InvalidOrder(fmt::format("`order_by` contains duplicate fields: '{}'",
                                      Shortened(text, limits::kMaxNameBytes)));
    }
    order.push_back(term);
  }
  return order;
}

void EndWith(ListOrder& order, OrderTerm term) {
  if (!Has(order, term.field)) order.push_back(term);
}

std::strong_ordering Compare(OrderField field, const ListKey& a, const ListKey& b) {
  switch (field) {
    case OrderField::kName:
      return a.name <=> b.name;
    case OrderField::kNumber:
      return a.number <=> b.number;
    case OrderField::kCreated:
      return a.created_at <=> b.created_at;
    case OrderField::kUpdated:
      return a.updated_at <=> b.updated_at;
  }
  return std::strong_ordering::equal;
}

// "n+u-": a token of one order means nothing in another.
std::string MarkOf(const ListOrder& order) {
  constexpr std::string_view kLetters = "nvcu";
  std::string mark;
  for (const OrderTerm& term : order) {
    mark += kLetters[static_cast<std::size_t>(term.field)];
    mark += term.descending ? '-' : '+';
  }
  return mark;
}

std::optional<ListKey> ParseKey(std::string_view text, std::string_view mark) {
  if (!text.starts_with(mark) || !text.substr(mark.size()).starts_with(':')) return std::nullopt;
  text.remove_prefix(mark.size() + 1);
  const auto number = TakeNumber(text);
  const auto created = TakeNumber(text);
  const auto updated = TakeNumber(text);
  if (!number || !created || !updated) return std::nullopt;
  return ListKey{std::string(text), *number, WallTimeOf(*created), WallTimeOf(*updated)};
}

}  // namespace

Result<ListOrder> ParseModelOrder(const std::vector<std::string>& terms) {
  PODIUM_TRY_ASSIGN(ListOrder order, Parse(kModelKeys, terms));
  EndWith(order, {OrderField::kName, false});
  return order;
}

Result<ListOrder> ParseVersionOrder(const std::vector<std::string>& terms) {
  PODIUM_TRY_ASSIGN(ListOrder order, Parse(kVersionKeys, terms));
  if (order.empty()) order.push_back({OrderField::kUpdated, true});
  EndWith(order, {OrderField::kName, false});
  EndWith(order, {OrderField::kNumber, true});
  return order;
}

ListKey KeyOf(const RegisteredModel& model) {
  return {model.name, 0, model.created_at, model.updated_at};
}
ListKey KeyOf(const RegisteredVersion& version) {
  return {version.name, version.number, version.created_at, version.updated_at};
}

bool Precedes(const ListOrder& order, const ListKey& a, const ListKey& b) {
  for (const OrderTerm& term : order) {
    const std::strong_ordering compared = Compare(term.field, a, b);
    if (compared != std::strong_ordering::equal) return (compared < 0) != term.descending;
  }
  return false;
}

std::string EncodePageToken(const ListOrder& order, const ListKey& last) {
  return ToHexText(fmt::format("{}:{}:{}:{}:{}", MarkOf(order), last.number,
                               MicrosOf(last.created_at), MicrosOf(last.updated_at), last.name));
}

Result<ListKey> DecodePageToken(const ListOrder& order, std::string_view text) {
  if (text.size() <= limits::kMaxPageTokenBytes) {
    const std::optional<std::string> bytes = FromHexText(text);
    std::optional<ListKey> key = bytes ? ParseKey(*bytes, MarkOf(order)) : std::nullopt;
    // Written back and compared: "007" is a number, but none that we wrote.
    if (key && EncodePageToken(order, *key) == text) return std::move(*key);
  }
  return Fail(Error{ErrorCode::kInvalidArgument,
                    "Invalid page token: it is not one that this list, in this order, gave out. "
                    "Start again without one.",
                    "page_token", nullptr});
}

}  // namespace podium::store
