#include "gateway/oip_path.h"

#include <gtest/gtest.h>

#include <optional>

namespace podium::gateway {
namespace {

TEST(OipPath, NamesAnEndpointOrNothing) {
  struct Case {
    const char* path;
    std::optional<OipEndpoint> want;
    const char* route = "";
    const char* version = "";
  };
  using enum OipEndpoint;
  const Case cases[] = {
      {"/v2", kServer},
      {"/v2/health/live", kLive},
      {"/v2/health/ready", kReady},
      {"/v2/models", kModels},
      {"/v2/models/m", kModel, "m"},
      {"/v2/models/m/ready", kModelReady, "m"},
      {"/v2/models/m/infer", kInfer, "m"},
      {"/v2/models/m/versions/1", kModel, "m", "1"},
      {"/v2/models/m/versions/1/ready", kModelReady, "m", "1"},
      {"/v2/models/m/versions/1/infer", kInfer, "m", "1"},
      {"/v2/models/versions/versions/versions", kModel, "versions", "versions"},
      {"/v2/models/a%2Fb/infer", kInfer, "a/b"},
      {"/v2/repository/index", kIndex},
      {"/v2/repository/models/m/load", kLoad, "m"},
      {"/v2/repository/models/m/unload", kLoad, "m"},
      {"/v2/", std::nullopt},
      {"/v2/models/", std::nullopt},
      {"/v2/models//infer", std::nullopt},
      {"/v2/models/m/versions", std::nullopt},
      {"/v2/models/m/versions/", std::nullopt},
      {"/v2/models/m/versions//infer", std::nullopt},
      {"/v2/models/m/infer/x", std::nullopt},
      {"/v2/models/m/versions/1/infer/x", std::nullopt},
      {"/v2/models/m/versions/1/infer/", std::nullopt},
      {"/v2/health", std::nullopt},
      {"/v2/health/live/x", std::nullopt},
      {"/v2/repository/models/m/reload", std::nullopt},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.path);
    ASSERT_TRUE(IsOipPath(c.path));
    const Result<OipTarget> target = OipTargetOf(c.path);
    ASSERT_EQ(target.has_value(), c.want.has_value());
    if (!target) {
      EXPECT_EQ(target.error().code, ErrorCode::kNotFound);
      continue;
    }
    EXPECT_EQ(target->endpoint, *c.want);
    EXPECT_EQ(target->call.route, c.route);
    EXPECT_EQ(target->call.version, c.version);
  }
  EXPECT_FALSE(IsOipPath("/v20"));
  EXPECT_FALSE(IsOipPath("/v1/models"));
}

}  // namespace
}  // namespace podium::gateway
