// Listening sockets: one per core on the same port, the kernel spreads connections over them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "net/address.h"

namespace podium::net {

/// Owns open sockets until they are taken.
class Listeners {
 public:
  /// Port 0 takes a free one. The host is an address or "localhost". kUnavailable when the address
  /// is in use, also by another Podium (which SO_REUSEPORT alone would let us share silently).
  static Result<Listeners> Open(const HostPort& address, std::size_t count);
  Listeners(Listeners&& other) noexcept;
  Listeners& operator=(Listeners&&) = delete;
  ~Listeners();

  std::uint16_t port() const { return port_; }
  std::size_t size() const { return sockets_.size(); }
  /// The socket of one core, which the caller now owns. REQUIRES: not taken yet.
  int Take(std::size_t index);

 private:
  Listeners() = default;
  std::vector<int> sockets_;  // -1 where taken.
  std::uint16_t port_ = 0;
};

}  // namespace podium::net
