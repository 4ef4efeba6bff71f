// Which addresses Podium may connect to on behalf of a configured name. Pure.
//
// A name is resolved by somebody else: whoever owns it may point it at what only this machine can
// reach. So the addresses are judged, not the name, and the connection goes to the judged address.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace podium::net {

enum class AddressKind : std::uint8_t {
  kPublic,
  kPrivate,  ///< RFC 1918, shared (RFC 6598), unique local (RFC 4193), site-local.
  kLoopback,
  kLinkLocal,
  kMetadata,  ///< Where clouds hand credentials to whoever asks from inside.
  kReserved,  ///< Unspecified, multicast, broadcast, documentation, benchmarks, tunnels.
};

/// An IPv4 address inside an IPv6 one (mapped, NAT64, 6to4) is judged as what it is.
AddressKind KindOf(const boost::asio::ip::address& address);
std::string_view NameOf(AddressKind kind);  ///< "link-local"

/// What the configuration of one origin allows.
struct AddressPolicy {
  /// Private and loopback addresses too. The other kinds are never connected to.
  bool allow_private = false;

  bool operator==(const AddressPolicy&) const = default;
};

/// Error: kPermissionDenied, naming `host` and the address that it has.
Status CheckAddress(const boost::asio::ip::address& address, std::string_view host,
                    const AddressPolicy& policy);

}  // namespace podium::net
