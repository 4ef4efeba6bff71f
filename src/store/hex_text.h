// Bytes as text that fits anywhere: what the tokens of pages are written in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace podium::store {

std::string ToHexText(std::string_view bytes);
/// nullopt for text that ToHexText did not write.
std::optional<std::string> FromHexText(std::string_view text);

/// Takes the number before the next ':' off the front of `text`, with the ':'.
std::optional<std::int64_t> TakeNumber(std::string_view& text);

}  // namespace podium::store
