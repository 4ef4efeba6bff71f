#include "auth/principal.h"

#include <gtest/gtest.h>

namespace podium::auth {
namespace {

constexpr std::string_view kToken = "correct-horse-battery";

// A wrong credential must never fall back to a weaker identity: that would hide a broken
// deployment.
TEST(Authenticator, IdentifiesByTokenOrByLoopback) {
  const Authenticator local = Authenticator::LocalOnly();
  const Authenticator token = Authenticator::WithAdminToken(kToken, "key");
  struct Case {
    const char* name;
    const Authenticator* authenticator;
    Credentials credentials;
    const char* actor;  // nullptr: refused.
    bool admin;
  };
  const Case cases[] = {
      {"no token, loopback", &local, {"", true}, "local", true},
      {"no token, elsewhere", &local, {"", false}, "anonymous", false},
      {"token, none given", &token, {"", true}, "anonymous", false},
      {"token, right", &token, {"Bearer correct-horse-battery", false}, "admin", true},
      {"token, scheme in lower case",
       &token,
       {"bearer correct-horse-battery", false},
       "admin",
       true},
      {"token, wrong", &token, {"Bearer correct-horse-batterY", true}, nullptr, false},
      {"token, prefix", &token, {"Bearer correct-horse", true}, nullptr, false},
      {"token, empty", &token, {"Bearer ", true}, nullptr, false},
      {"other scheme", &token, {"Basic Y29ycmVjdA==", true}, nullptr, false},
      {"bare", &token, {"correct-horse-battery", true}, nullptr, false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const auto got = c.authenticator->Identify(c.credentials);
    ASSERT_EQ(got.has_value(), c.actor != nullptr);
    if (!got) {
      EXPECT_EQ(got.error().code, ErrorCode::kUnauthenticated);
      continue;
    }
    EXPECT_EQ(got->actor, c.actor);
    EXPECT_EQ(got->may_administer, c.admin);
    EXPECT_EQ(got->may_override, c.admin);
  }
}

TEST(Authenticator, TellsAnonymousToSignInAndOthersThatTheyMayNot) {
  EXPECT_TRUE(RequireAdmin({"local", true, true}));
  EXPECT_EQ(RequireAdmin({"anonymous", false, false}).error().code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(RequireAdmin({"viewer", false, false}).error().code, ErrorCode::kPermissionDenied);
  EXPECT_EQ(RequireOverride({"anonymous", false, false}).error().code,
            ErrorCode::kPermissionDenied);
}

TEST(CheckToken, HasALengthAndNoSpaces) {
  EXPECT_FALSE(CheckToken(std::string(15, 'a')));
  EXPECT_TRUE(CheckToken(std::string(16, 'a')));
  EXPECT_TRUE(CheckToken(std::string(1024, 'a')));
  EXPECT_FALSE(CheckToken(std::string(1025, 'a')));
  EXPECT_FALSE(CheckToken("sixteen chars ok but spaces"));
  EXPECT_FALSE(CheckToken("sixteen\tcharacters"));
}

// DNS rebinding: a page on evil.example that resolves to 127.0.0.1 still sends its own Host.
TEST(CheckLocalOrigin, LetsOnlyLoopbackNamesAndTheirOwnPagesIn) {
  struct Case {
    const char* host;
    std::optional<std::string_view> origin;
    bool allowed;
  };
  const Case cases[] = {
      {"localhost", std::nullopt, true},
      {"LOCALHOST:8080", std::nullopt, true},
      {"127.0.0.1:8080", std::nullopt, true},
      {"127.9.9.9", std::nullopt, true},
      {"[::1]:8080", std::nullopt, true},
      {"evil.example", std::nullopt, false},
      {"127.0.0.1.evil.example", std::nullopt, false},
      {"127.evil.example:8080", std::nullopt, false},
      {"localhost.evil.example", std::nullopt, false},
      {"localhost:evil", std::nullopt, false},
      {"10.0.0.1", std::nullopt, false},
      {"", std::nullopt, false},
      {"localhost:8080", "http://localhost:8080", true},
      {"localhost:8080", "http://localhost:9090", false},
      {"localhost:8080", "http://evil.example", false},
      {"localhost:8080", "https://localhost:8080", false},
      {"localhost:8080", "null", false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(std::string(c.host) + " " + std::string(c.origin.value_or("-")));
    EXPECT_EQ(CheckLocalOrigin(c.host, c.origin).has_value(), c.allowed);
  }
}

}  // namespace
}  // namespace podium::auth
