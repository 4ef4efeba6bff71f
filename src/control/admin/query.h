// The query strings of lists: page size, cursor, and plain filters.
#pragma once

#include <functional>
#include <initializer_list>
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
/// `limit`, 1 to limits::kPageMax, default limits::kPageDefault.
Result<int> PageLimit(const net::RequestHead& head);

/// {items, next_cursor} with a Link header to the next page.
net::Response PageResponse(const AdminCall& call, Json items, const std::string& next_cursor);

}  // namespace podium::control
