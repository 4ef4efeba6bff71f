#include "net/address_policy.h"

#include <algorithm>
#include <array>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/address_v6.hpp>
#include <optional>

namespace podium::net {
namespace {

using boost::asio::ip::address;
using boost::asio::ip::address_v4;
using boost::asio::ip::address_v6;

constexpr std::uint32_t V4(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
  return a << 24 | b << 16 | c << 8 | d;
}

struct Range4 {
  std::uint32_t first;
  int bits;
  AddressKind kind;
};

/// The first that matches counts; what none matches is public.
constexpr Range4 kRanges4[] = {
    {V4(169, 254, 169, 254), 32, AddressKind::kMetadata},
    {V4(169, 254, 170, 2), 32, AddressKind::kMetadata},  // Containers at one provider.
    {V4(169, 254, 170, 23), 32, AddressKind::kMetadata},
    {V4(100, 100, 100, 200), 32, AddressKind::kMetadata},
    {V4(168, 63, 129, 16), 32, AddressKind::kMetadata},
    {V4(192, 0, 0, 192), 32, AddressKind::kMetadata},
    {V4(127, 0, 0, 0), 8, AddressKind::kLoopback},
    {V4(169, 254, 0, 0), 16, AddressKind::kLinkLocal},
    {V4(10, 0, 0, 0), 8, AddressKind::kPrivate},
    {V4(172, 16, 0, 0), 12, AddressKind::kPrivate},
    {V4(192, 168, 0, 0), 16, AddressKind::kPrivate},
    {V4(100, 64, 0, 0), 10, AddressKind::kPrivate},
    {V4(0, 0, 0, 0), 8, AddressKind::kReserved},  // 0.0.0.0 reaches this machine.
    {V4(192, 0, 0, 0), 24, AddressKind::kReserved},
    {V4(192, 0, 2, 0), 24, AddressKind::kReserved},
    {V4(192, 88, 99, 0), 24, AddressKind::kReserved},
    {V4(198, 18, 0, 0), 15, AddressKind::kReserved},
    {V4(198, 51, 100, 0), 24, AddressKind::kReserved},
    {V4(203, 0, 113, 0), 24, AddressKind::kReserved},
    {V4(224, 0, 0, 0), 3, AddressKind::kReserved},  // Multicast, future use, broadcast.
};

AddressKind KindOf4(std::uint32_t bits) {
  for (const Range4& range : kRanges4) {
    if ((bits ^ range.first) >> (32 - range.bits) == 0) return range.kind;
  }
  return AddressKind::kPublic;
}

using Bytes = address_v6::bytes_type;

struct Range6 {
  std::array<std::uint8_t, 16> first;
  std::size_t bits;
  AddressKind kind;
};

constexpr Range6 kRanges6[] = {
    {{0xfd, 0, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0x54}, 128, AddressKind::kMetadata},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, AddressKind::kLoopback},
    {{0xfe, 0x80}, 10, AddressKind::kLinkLocal},
    {{0xfc}, 7, AddressKind::kPrivate},
    {{0xfe, 0xc0}, 10, AddressKind::kPrivate},
    {{0, 0x64, 0xff, 0x9b, 0, 1}, 48, AddressKind::kPrivate},  // A network's own NAT64.
    {{0x20, 0x01, 0x0d, 0xb8}, 32, AddressKind::kReserved},
    {{0x20, 0x01, 0}, 23, AddressKind::kReserved},  // Teredo and other assignments.
    {{0x3f, 0xff}, 20, AddressKind::kReserved},
};

bool IsWithin(const Bytes& bytes, const Range6& range) {
  const std::size_t whole = range.bits / 8;
  if (!std::equal(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(whole),
                  range.first.begin())) {
    return false;
  }
  const std::size_t rest = range.bits % 8;
  return rest == 0 || (bytes[whole] ^ range.first[whole]) >> (8 - rest) == 0;
}

std::uint32_t V4At(const Bytes& bytes, std::size_t begin) {
  return V4(bytes[begin], bytes[begin + 1], bytes[begin + 2], bytes[begin + 3]);
}

/// The IPv4 address that a packet to `bytes` would end at.
std::optional<std::uint32_t> EmbeddedV4(const Bytes& bytes) {
  constexpr Range6 kMapped{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96, {}};
  constexpr Range6 kNat64{{0, 0x64, 0xff, 0x9b}, 96, {}};
  constexpr Range6 k6to4{{0x20, 0x02}, 16, {}};
  if (IsWithin(bytes, kMapped) || IsWithin(bytes, kNat64)) return V4At(bytes, 12);
  if (IsWithin(bytes, k6to4)) return V4At(bytes, 2);
  return std::nullopt;
}

AddressKind KindOf6(const Bytes& bytes) {
  if (const auto v4 = EmbeddedV4(bytes)) return KindOf4(*v4);
  for (const Range6& range : kRanges6) {
    if (IsWithin(bytes, range)) return range.kind;
  }
  // Global unicast is 2000::/3, and nothing else is in use.
  return bytes[0] >> 5 == 1 ? AddressKind::kPublic : AddressKind::kReserved;
}

}  // namespace

AddressKind KindOf(const address& address) {
  return address.is_v4() ? KindOf4(address.to_v4().to_uint()) : KindOf6(address.to_v6().to_bytes());
}

std::string_view NameOf(AddressKind kind) {
  switch (kind) {
    case AddressKind::kPublic:
      return "public";
    case AddressKind::kPrivate:
      return "private";
    case AddressKind::kLoopback:
      return "loopback";
    case AddressKind::kLinkLocal:
      return "link-local";
    case AddressKind::kMetadata:
      return "cloud metadata";
    case AddressKind::kReserved:
      break;
  }
  return "reserved";
}

Status CheckAddress(const address& address, std::string_view host, const AddressPolicy& policy) {
  const AddressKind kind = KindOf(address);
  if (kind == AddressKind::kPublic) return {};
  const bool may_be_allowed = kind == AddressKind::kPrivate || kind == AddressKind::kLoopback;
  if (may_be_allowed && policy.allow_private) return {};
  return Fail(ErrorCode::kPermissionDenied, "{} is at {}, a {} address: {}", host,
              address.to_string(), NameOf(kind),
              may_be_allowed ? "it is not connected to unless that is allowed for it"
                             : "it is never connected to");
}

}  // namespace podium::net
