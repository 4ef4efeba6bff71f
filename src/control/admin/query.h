// The query strings of lists: page size, cursor, and plain filters.
#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "control/admin/context.h"

namespace podium::control {

/// kInvalidArgument names the first parameter that is not in `known`.
Status CheckQuery(const net::RequestHead& head, std::initializer_list<std::string_view> known);
std::optional<std::string> QueryText(const net::RequestHead& head, std::string_view name);
/// "true" or "false"; false when absent, kInvalidArgument for anything else.
Result<bool> QueryFlag(const net::RequestHead& head, std::string_view name);
/// A finite number; nullopt when absent.
Result<std::optional<double>> QueryNumber(const net::RequestHead& head, std::string_view name);
/// An RFC 3339 time in UTC; `name` is the parameter's, for the error.
Result<WallTime> ReadTime(std::string_view name, const std::string& text);
/// `limit`, 1 to limits::kPageMax, default limits::kPageDefault.
Result<int> PageLimit(const net::RequestHead& head);

/// {items, next_cursor} with a Link header to the next page.
net::Response PageResponse(const AdminCall& call, Json items, const std::string& next_cursor);

/// The page of a list that is in memory: items by their keys, each after the cursor. Without
/// `limit` all of them: those who read these lists whole were there before there were pages.
Result<net::Response> KeyedPage(const AdminCall& call, std::map<std::string, Json> items);

}  // namespace podium::control
