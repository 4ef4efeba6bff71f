#include "control/mlflow/errors.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "base/json.h"

namespace podium::control {
namespace {

// A code that a client does not know becomes an internal error there, and is tried again.
TEST(MlflowErrors, EachCodeIsOneThatClientsKnow) {
  const std::set<std::string_view> known = {
      "INVALID_PARAMETER_VALUE", "RESOURCE_ALREADY_EXISTS", "RESOURCE_DOES_NOT_EXIST",
      "ENDPOINT_NOT_FOUND",      "PERMISSION_DENIED",       "INTERNAL_ERROR",
      "RESOURCE_CONFLICT",       "REQUEST_LIMIT_EXCEEDED",  "UNAUTHENTICATED",
      "NOT_IMPLEMENTED",         "TEMPORARILY_UNAVAILABLE", "DEADLINE_EXCEEDED"};
  for (int code = 0; code < kErrorCodeCount; ++code) {
    const MlflowErrorTraits traits =
        MlflowTraitsOf({static_cast<ErrorCode>(code), "text", "", nullptr});
    EXPECT_TRUE(known.contains(traits.code)) << traits.code;
    EXPECT_GE(traits.http_status, 400);
    // What clients repeat must be worth repeating.
    const bool repeated = traits.http_status == 429 || traits.http_status >= 500;
    if (repeated && code != static_cast<int>(ErrorCode::kNotImplemented)) {
      EXPECT_TRUE(TraitsOf(static_cast<ErrorCode>(code)).retryable) << traits.code;
    }
  }
}

TEST(MlflowErrors, ANameThatIsTakenIsNotARace) {
  const MlflowErrorTraits taken = MlflowTraitsOf({ErrorCode::kConflict, "", "name", nullptr});
  EXPECT_EQ(taken.code, "RESOURCE_ALREADY_EXISTS");
  EXPECT_EQ(taken.http_status, 400);
  const MlflowErrorTraits race = MlflowTraitsOf({ErrorCode::kConflict, "", "", nullptr});
  EXPECT_EQ(race.code, "RESOURCE_CONFLICT");
  EXPECT_EQ(race.http_status, 409);
}

TEST(MlflowErrors, HaveACodeAndAMessage) {
  const auto cause = std::make_shared<const Error>(
      Error{ErrorCode::kUnavailable, "secret of the log", "file", nullptr});
  const net::Response response = MlflowErrorResponse({ErrorCode::kNotFound, "no", "name", cause});
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.body, R"({"error_code":"RESOURCE_DOES_NOT_EXIST","message":"no"})");
}

}  // namespace
}  // namespace podium::control
