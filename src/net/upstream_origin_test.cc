// Which addresses are tried, and whose fault an error is.
#include <gmock/gmock.h>

#include <cerrno>

#include "net/upstream_call.h"
#include "net/upstream_pool.h"
#include "net/upstream_test_fixture.h"

namespace podium::net {
namespace {

using ::testing::HasSubstr;

TEST_F(UpstreamTest, GoesToTheAddressThatWasJudged) {
  Start();
  Origin outside = Here("rebound.example");
  outside.addresses.allow_private = false;
  for (const auto* addresses : {"127.0.0.1", "::ffff:127.0.0.1", "10.0.0.1", "169.254.169.254"}) {
    resolver_.Set("rebound.example", {addresses});
    const auto answer = Finish(Begin(outside, Post()));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::kPermissionDenied);
    EXPECT_TRUE(IsOurs(answer.error()));
    EXPECT_EQ(PhaseOf(answer.error()), UpstreamPhase::kConnect);
    EXPECT_THAT(answer.error().message, HasSubstr("rebound.example is at"));
  }
  EXPECT_EQ(resolver_.asked, 4) << "once for each: judged and connected to are the same";
  // An address in place of a name is judged too, and metadata is never allowed.
  resolver_.Set("169.254.169.254", {"169.254.169.254"});
  const auto metadata = Finish(Begin(Here("169.254.169.254"), Post()));
  ASSERT_FALSE(metadata);
  EXPECT_EQ(metadata.error().code, ErrorCode::kPermissionDenied);
}

TEST_F(UpstreamTest, TriesTheAddressesInTheirOrder) {
  Start();
  // The first is refused by policy, the second by the machine: nobody listens there.
  resolver_.Set("several.example", {"169.254.169.254", "127.0.0.2", "127.0.0.1"});
  const auto call = Begin(Here("several.example"), Post());
  const auto peer = Accept();
  EXPECT_THAT(peer->Receive(), HasSubstr(fmt::format("Host: several.example:{}\r\n", port_)));
  peer->Send(kOk);
  EXPECT_TRUE(Finish(call));
}

// That this machine can open no more is not the server's fault. (Not tried for real: sanitizers
// need descriptors themselves.)
TEST(UpstreamErrors, WantOfDescriptorsIsOurs) {
  using boost::system::error_code;
  for (const int ours : {EMFILE, ENFILE, ENOBUFS, ENOMEM}) {
    EXPECT_TRUE(IsWantOfThisMachine(error_code(ours, boost::system::system_category()))) << ours;
  }
  for (const int theirs : {0, ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, EADDRNOTAVAIL, ECANCELED}) {
    EXPECT_FALSE(IsWantOfThisMachine(error_code(theirs, boost::system::system_category())));
  }
}

TEST(UpstreamErrors, SayWhoseTheyAre) {
  for (int i = 0; i < kErrorCodeCount; ++i) {
    const auto code = static_cast<ErrorCode>(i);
    const bool ours = code == ErrorCode::kInvalidArgument || code == ErrorCode::kLimited ||
                      code == ErrorCode::kPermissionDenied;
    EXPECT_EQ(IsOurs(Error{code, "text", "unsent", nullptr}), ours) << i;
    EXPECT_FALSE(IsOurs(Error{code, "text", "elsewhere", nullptr})) << "of no Upstream";
    EXPECT_FALSE(WasCancelled(Error{code, "text", "unsent", nullptr}));
  }
  const Origin origin{false, "a.example", 80, {}};
  for (const auto phase : {UpstreamPhase::kConnect, UpstreamPhase::kUnsent, UpstreamPhase::kSent,
                           UpstreamPhase::kHead, UpstreamPhase::kBody}) {
    const Error cancelled = Cancelled(origin, phase);
    EXPECT_TRUE(WasCancelled(cancelled));
    EXPECT_EQ(PhaseOf(cancelled), phase);
    EXPECT_EQ(cancelled.code, ErrorCode::kUnavailable);
    EXPECT_FALSE(IsOurs(cancelled));
  }
  EXPECT_FALSE(WasCancelled(Error{ErrorCode::kUnavailable, "", "soup, cancelled", nullptr}));
}

TEST(OriginText, NamesTheDefaultPortToo) {
  EXPECT_EQ(ToString(Origin{true, "a.example", 443, {}}), "https://a.example:443");
  EXPECT_EQ(ToString(Origin{false, "::1", 8080, {}}), "http://[::1]:8080");
}

}  // namespace
}  // namespace podium::net
