// Which names may enter the table. One rule for routes, versions and ids, so that all of them fit
// in URLs, labels, headers and file names.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace podium {

/// Letters, digits and `._-:`, starting with a letter or digit, 1 to limits::kMaxNameBytes.
/// `what` names the field in the error ("route", "version").
Status CheckName(std::string_view what, std::string_view name);
/// `text` with all that CheckName refuses replaced by '-' and cut to its limit: what a model of a
/// provider ("org/model") is called as a version here.
std::string NameFrom(std::string_view text);
/// `[A-Za-z0-9._-]{1,64}`
Status CheckSalt(std::string_view salt);
/// UTF-8 without control characters, at most `limit` bytes.
Status CheckText(std::string_view what, std::string_view text, std::size_t limit);

}  // namespace podium
