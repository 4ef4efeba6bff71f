#include "net/address_policy.h"

#include <gmock/gmock.h>

namespace podium::net {
namespace {

using ::testing::HasSubstr;

boost::asio::ip::address At(const char* text) { return boost::asio::ip::make_address(text); }

TEST(AddressPolicy, KindsWithTheirEdges) {
  struct Case {
    const char* address;
    AddressKind kind;
  };
  using enum AddressKind;
  const Case cases[] = {
      {"1.1.1.1", kPublic},
      {"9.255.255.255", kPublic},
      {"10.0.0.0", kPrivate},
      {"10.255.255.255", kPrivate},
      {"11.0.0.0", kPublic},
      {"172.15.255.255", kPublic},
      {"172.16.0.0", kPrivate},
      {"172.31.255.255", kPrivate},
      {"172.32.0.0", kPublic},
      {"192.167.255.255", kPublic},
      {"192.168.0.0", kPrivate},
      {"192.168.255.255", kPrivate},
      {"192.169.0.0", kPublic},
      {"100.63.255.255", kPublic},
      {"100.64.0.0", kPrivate},
      {"100.127.255.255", kPrivate},
      {"100.128.0.0", kPublic},
      {"126.255.255.255", kPublic},
      {"127.0.0.1", kLoopback},
      {"127.255.255.255", kLoopback},
      {"128.0.0.0", kPublic},
      {"0.0.0.0", kReserved},
      {"0.255.255.255", kReserved},
      {"169.253.255.255", kPublic},
      {"169.254.0.0", kLinkLocal},
      {"169.254.169.253", kLinkLocal},
      {"169.254.169.254", kMetadata},
      {"169.254.170.2", kMetadata},
      {"169.254.255.255", kLinkLocal},
      {"169.255.0.0", kPublic},
      {"100.100.100.200", kMetadata},
      {"168.63.129.16", kMetadata},
      {"168.63.129.17", kPublic},
      {"192.0.0.192", kMetadata},
      {"192.0.0.1", kReserved},
      {"192.0.2.1", kReserved},
      {"198.18.0.1", kReserved},
      {"198.19.255.255", kReserved},
      {"198.20.0.0", kPublic},
      {"203.0.113.9", kReserved},
      {"223.255.255.255", kPublic},
      {"224.0.0.1", kReserved},
      {"240.0.0.1", kReserved},
      {"255.255.255.255", kReserved},

      {"2606:4700::1111", kPublic},
      {"2000::", kPublic},
      {"3fff:1000::", kPublic},
      {"3fff::1", kReserved},
      {"4000::", kReserved},
      {"::", kReserved},
      {"::1", kLoopback},
      {"::2", kReserved},
      {"::7f00:1", kReserved},
      {"fc00::1", kPrivate},
      {"fdff::1", kPrivate},
      {"fd00:ec2::254", kMetadata},
      {"fd00:ec2::253", kPrivate},
      {"fe00::1", kReserved},
      {"fe80::1", kLinkLocal},
      {"febf::1", kLinkLocal},
      {"fec0::1", kPrivate},
      {"ff02::1", kReserved},
      {"2001:db8::1", kReserved},
      {"2001::1", kReserved},
      {"2001:200::1", kPublic},

      // The same in a coat.
      {"::ffff:1.1.1.1", kPublic},
      {"::ffff:10.0.0.1", kPrivate},
      {"::ffff:127.0.0.1", kLoopback},
      {"::ffff:169.254.169.254", kMetadata},
      {"::ffff:0.0.0.0", kReserved},
      {"64:ff9b::1.1.1.1", kPublic},
      {"64:ff9b::10.0.0.1", kPrivate},
      {"64:ff9b::169.254.169.254", kMetadata},
      {"64:ff9b:1::1.1.1.1", kPrivate},
      {"2002:0101:0101::1", kPublic},
      {"2002:7f00:1::", kLoopback},
      {"2002:a9fe:a9fe::", kMetadata},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(NameOf(KindOf(At(c.address))), NameOf(c.kind)) << c.address;
  }
}

TEST(AddressPolicy, OnlyPrivateAndLoopbackCanBeAllowed) {
  struct Case {
    const char* address;
    bool by_default;
    bool when_allowed;
  };
  const Case cases[] = {
      {"1.1.1.1", true, true},         {"10.0.0.1", false, true},
      {"127.0.0.1", false, true},      {"::1", false, true},
      {"fd12::1", false, true},        {"::ffff:192.168.1.1", false, true},
      {"169.254.1.1", false, false},   {"169.254.169.254", false, false},
      {"fd00:ec2::254", false, false}, {"fe80::1", false, false},
      {"0.0.0.0", false, false},       {"::", false, false},
      {"224.0.0.1", false, false},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(CheckAddress(At(c.address), "a.example", {}).has_value(), c.by_default) << c.address;
    EXPECT_EQ(CheckAddress(At(c.address), "a.example", {.allow_private = true}).has_value(),
              c.when_allowed)
        << c.address;
  }
}

TEST(AddressPolicy, SaysWhatIsWrong) {
  const Status refused = CheckAddress(At("10.0.0.1"), "a.example", {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kPermissionDenied);
  EXPECT_THAT(refused.error().message, HasSubstr("a.example is at 10.0.0.1, a private address"));
}

}  // namespace
}  // namespace podium::net
