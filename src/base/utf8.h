// UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace podium {

/// Bytes of the character that `text` starts with; 0 when that is not valid UTF-8.
/// REQUIRES: text is not empty.
std::size_t Utf8Length(std::string_view text);
/// Whether all of `text` is; "" is.
bool IsUtf8(std::string_view text);

/// At most `limit` bytes of `text`, cut between two characters, with "…" when something was cut.
std::string Shortened(std::string_view text, std::size_t limit);

}  // namespace podium
