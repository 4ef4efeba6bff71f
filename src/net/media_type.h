// The media type that a Content-Type names (RFC 9110, 8.3.1). Pure.
#pragma once

#include <string_view>

namespace podium::net {

/// Whether `content_type` is `media_type`, whatever its parameters and the case of its letters.
bool IsMediaType(std::string_view content_type, std::string_view media_type);

}  // namespace podium::net
