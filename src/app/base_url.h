// Where a provider is reached, as configuration gives it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace podium::app {

/// "https://api.example.com/v1" in parts.
struct BaseUrl {
  bool tls = false;
  std::string host;  ///< A name or an address; IPv6 without brackets.
  std::uint16_t port = 0;
  std::string path;  ///< Before the endpoint; no slash at its end, perhaps empty.

  bool operator==(const BaseUrl&) const = default;
};

/// http or https, a host, perhaps a port and a path. Error: kInvalidArgument for anything else; no
/// text repeats what stands before an @, which may be a password.
Result<BaseUrl> ParseBaseUrl(std::string_view text);

}  // namespace podium::app
