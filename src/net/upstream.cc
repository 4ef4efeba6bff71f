#include "net/upstream.h"

#include <array>

#include "net/address.h"

namespace podium::net {
namespace {

constexpr std::array<std::string_view, 5> kPhases = {"connect", "unsent", "sent", "head", "body"};

}  // namespace

std::string ToString(const Origin& origin) {
  return (origin.tls ? "https://" : "http://") + ToString(HostPort{origin.host, origin.port});
}

std::string_view NameOf(UpstreamPhase phase) { return kPhases[static_cast<std::size_t>(phase)]; }

std::optional<UpstreamPhase> PhaseOf(const Error& error) {
  for (std::size_t i = 0; i < kPhases.size(); ++i) {
    if (kPhases[i] == error.where) return static_cast<UpstreamPhase>(i);
  }
  return std::nullopt;
}

}  // namespace podium::net
