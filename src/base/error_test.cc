// The table that every answer's status comes from: a row that slips changes what clients do.
#include "base/error.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "base/result.h"

namespace podium {
namespace {

TEST(Error, EveryCodeHasItsRow) {
  struct Case {
    ErrorCode code;
    const char* slug;
    int status;
    bool retryable;
  };
  const Case cases[] = {
      {ErrorCode::kInvalidArgument, "invalid_argument", 400, false},
      {ErrorCode::kUnauthenticated, "unauthenticated", 401, false},
      {ErrorCode::kPermissionDenied, "permission_denied", 403, false},
      {ErrorCode::kNotFound, "not_found", 404, false},
      {ErrorCode::kMethodNotAllowed, "method_not_allowed", 405, false},
      {ErrorCode::kConflict, "conflict", 409, false},
      {ErrorCode::kRevisionMismatch, "revision_mismatch", 412, false},
      {ErrorCode::kTooLarge, "too_large", 413, false},
      {ErrorCode::kUnsupportedMedia, "unsupported_media_type", 415, false},
      {ErrorCode::kUnprocessable, "unprocessable", 422, false},
      {ErrorCode::kTimeout, "request_timeout", 408, true},
      {ErrorCode::kLimited, "limited", 429, true},
      {ErrorCode::kUnavailable, "unavailable", 503, true},
      {ErrorCode::kDeadline, "deadline_exceeded", 504, true},
      {ErrorCode::kNotImplemented, "not_implemented", 501, false},
      {ErrorCode::kInternal, "internal", 500, true},
  };
  ASSERT_EQ(std::size(cases), std::size_t{kErrorCodeCount});
  std::set<std::string> slugs;
  for (const Case& c : cases) {
    const ErrorTraits& traits = TraitsOf(c.code);
    EXPECT_EQ(traits.slug, c.slug);
    EXPECT_EQ(traits.http_status, c.status) << c.slug;
    EXPECT_EQ(traits.retryable, c.retryable) << c.slug;
    EXPECT_FALSE(traits.title.empty());
    slugs.insert(c.slug);
  }
  EXPECT_EQ(slugs.size(), std::size(cases));
  EXPECT_EQ(TraitsOf(ErrorCode::kInternal).log, ErrorLog::kError);
  EXPECT_EQ(TraitsOf(ErrorCode::kNotFound).log, ErrorLog::kInfo)
      << "a caller's mistake is no alarm";
}

TEST(Error, KeepsPlaceAndCause) {
  const Error inner = Error{ErrorCode::kUnavailable, "disk full", "", nullptr}.At("journal");
  const Error outer = Error(inner).Wrap(ErrorCode::kInternal, "cannot write").At("line 3");
  EXPECT_EQ(outer.code, ErrorCode::kInternal);
  EXPECT_EQ(outer.cause->code, ErrorCode::kUnavailable);
  EXPECT_EQ(outer.cause->where, "journal");
  EXPECT_EQ(Describe(outer), "cannot write (at line 3): disk full");
}

Result<int> Half(int value) {
  if (value % 2 != 0) return Fail(ErrorCode::kInvalidArgument, "{} is odd", value);
  return value / 2;
}
Status CheckQuarter(int value) {
  PODIUM_TRY_ASSIGN(const int half, Half(value));
  PODIUM_TRY(Half(half));
  return {};
}

TEST(Result, TryPassesTheFirstErrorOn) {
  EXPECT_TRUE(CheckQuarter(8));
  EXPECT_EQ(CheckQuarter(7).error().message, "7 is odd");
  EXPECT_EQ(CheckQuarter(6).error().message, "3 is odd");
}

}  // namespace
}  // namespace podium
