#include "control/admin/query.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "base/limits.h"
#include "net/target.h"

namespace podium::control {
namespace {

// Calls `visit(name)` for every parameter of a query.
template <typename Visit>
void ForEachName(std::string_view query, Visit visit) {
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    if (!pair.empty()) visit(pair.substr(0, pair.find('=')));
    query.remove_prefix(std::min(end + 1, query.size()));
  }
}

// The target of this call with its cursor replaced.
std::string NextTarget(const net::RequestHead& head, const std::string& cursor) {
  std::string target(head.path);
  target += '?';
  std::string_view query = head.query;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    if (!pair.empty() && pair.substr(0, pair.find('=')) != "cursor") {
      target += pair;
      target += '&';
    }
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return target + "cursor=" + net::PercentEncode(cursor);
}

}  // namespace

Status CheckQuery(const net::RequestHead& head, std::initializer_list<std::string_view> known) {
  std::string unknown;
  ForEachName(head.query, [&](std::string_view name) {
    const bool found = std::find(known.begin(), known.end(), name) != known.end();
    if (!found && unknown.empty()) unknown = name;
  });
  if (unknown.empty()) return {};
  std::string list;
  for (const std::string_view name : known) {
    if (!list.empty()) list += ", ";
    list += name;
  }
  return Fail(ErrorCode::kInvalidArgument, "unknown query parameter \"{}\": known are {}", unknown,
              list);
}

std::optional<std::string> QueryText(const net::RequestHead& head, std::string_view name) {
  std::optional<std::string> value = net::QueryValue(head.query, name);
  if (value && value->empty()) return std::nullopt;
  return value;
}

Result<bool> QueryFlag(const net::RequestHead& head, std::string_view name) {
  const std::optional<std::string> text = QueryText(head, name);
  if (!text || *text == "false") return false;
  if (*text == "true") return true;
  return Fail(Error{ErrorCode::kInvalidArgument,
                    fmt::format("{} is true or false, not \"{}\"", name, *text), std::string(name),
                    nullptr});
}

Result<std::optional<double>> QueryNumber(const net::RequestHead& head, std::string_view name) {
  const std::optional<std::string> text = QueryText(head, name);
  if (!text) return std::nullopt;
  double number = 0;
  const char* end = text->data() + text->size();
  const auto [stop, failed] = std::from_chars(text->data(), end, number);
  if (failed == std::errc() && stop == end && std::isfinite(number)) return number;
  return Fail(Error{ErrorCode::kInvalidArgument,
                    fmt::format("{} must be a number, not \"{}\"", name, *text), std::string(name),
                    nullptr});
}

Result<WallTime> ReadTime(std::string_view name, const std::string& text) {
  const std::optional<WallTime> time = ParseUtc(text);
  if (time) return *time;
  return Fail(
      Error{ErrorCode::kInvalidArgument,
            fmt::format("{} must be a time such as 2026-03-09T14:31:07Z, not \"{}\"", name, text),
            std::string(name), nullptr});
}

Result<int> PageLimit(const net::RequestHead& head) {
  const std::optional<std::string> text = QueryText(head, "limit");
  if (!text) return limits::kPageDefault;
  int limit = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), limit);
  if (error != std::errc() || end != text->data() + text->size() || limit < 1 ||
      limit > limits::kPageMax) {
    return Fail(ErrorCode::kInvalidArgument, "limit must be 1 to {}, not \"{}\"", limits::kPageMax,
                *text);
  }
  return limit;
}

net::Response PageResponse(const AdminCall& call, Json items, const std::string& next_cursor) {
  Json page;
  page["items"] = std::move(items);
  page["next_cursor"] = next_cursor.empty() ? Json() : Json(next_cursor);
  net::Response response = JsonResponse(page);
  if (!next_cursor.empty()) {
    response.headers.Add(
        "Link", fmt::format("<{}>; rel=\"next\"", NextTarget(call.exchange.head(), next_cursor)));
  }
  return response;
}

Result<net::Response> KeyedPage(const AdminCall& call, std::map<std::string, Json> items) {
  const net::RequestHead& head = call.exchange.head();
  PODIUM_TRY_ASSIGN(const int limit, PageLimit(head));
  const bool whole = !QueryText(head, "limit") && !QueryText(head, "cursor");
  const std::string after = QueryText(head, "cursor").value_or("");
  Json page = Json::array();
  std::string last;
  for (auto item = items.upper_bound(after); item != items.end(); ++item) {
    if (!whole && page.size() == static_cast<std::size_t>(limit)) {
      return PageResponse(call, std::move(page), last);
    }
    last = item->first;
    page.push_back(std::move(item->second));
  }
  return PageResponse(call, std::move(page), "");
}

}  // namespace podium::control
