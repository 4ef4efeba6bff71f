#include "net/media_type.h"

#include "net/http_head.h"

namespace podium::net {

bool IsMediaType(std::string_view content_type, std::string_view media_type) {
  const std::string_view named = content_type.substr(0, content_type.find(';'));
  const std::size_t end = named.find_last_not_of(" \t");
  return EqualsIgnoreCase(named.substr(0, end + 1), media_type);
}

}  // namespace podium::net
