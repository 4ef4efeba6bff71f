#include "net/path_pattern.h"

#include <gtest/gtest.h>

namespace podium::net {
namespace {

PathRouter<std::string> Router() {
  PathRouter<std::string> router;
  router.Add(HttpMethod::kGet, "/", "root");
  router.Add(HttpMethod::kGet, "/v", "list");
  router.Add(HttpMethod::kPost, "/v", "create");
  router.Add(HttpMethod::kGet, "/v/{id}", "get");
  router.Add(HttpMethod::kDelete, "/v/{id}", "delete");
  router.Add(HttpMethod::kGet, "/v/latest", "latest");
  router.Add(HttpMethod::kPost, "/v/{id}/promote", "promote");
  router.Add(HttpMethod::kGet, "/{kind}/{id}/log", "log");
  return router;
}

TEST(PathRouter, FindsByPathAndMethod) {
  const auto router = Router();
  struct Case {
    HttpMethod method;
    const char* path;
    const char* want;
    const char* id;
  };
  const Case cases[] = {
      {HttpMethod::kGet, "/", "root", ""},
      {HttpMethod::kGet, "/v", "list", ""},
      {HttpMethod::kHead, "/v", "list", ""},
      {HttpMethod::kPost, "/v", "create", ""},
      {HttpMethod::kGet, "/v/7", "get", "7"},
      {HttpMethod::kGet, "/v/a%2Fb%20c", "get", "a/b c"},
      {HttpMethod::kGet, "/v/latest", "latest", ""},
      {HttpMethod::kGet, "/%76/latest", "latest", ""},
      {HttpMethod::kPost, "/v/latest/promote", "promote", "latest"},
      {HttpMethod::kGet, "/v/7/log", "log", "7"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.path);
    const auto match = router.Find(c.method, c.path);
    ASSERT_NE(match.value, nullptr);
    EXPECT_EQ(*match.value, c.want);
    EXPECT_EQ(match.captures.Get("id"), c.id);
  }
  EXPECT_EQ(router.Find(HttpMethod::kGet, "/v/7/log").captures.Get("kind"), "v");
}

TEST(PathRouter, TellsNotFoundFromNotAllowed) {
  const auto router = Router();
  for (const char* path : {"/x", "/v/", "/v//promote", "//", "/v/7/8", "/v/%zz", "*", ""}) {
    const auto match = router.Find(HttpMethod::kGet, path);
    EXPECT_EQ(match.value, nullptr) << path;
    EXPECT_FALSE(match.path_found) << path;
  }
  const auto match = router.Find(HttpMethod::kPut, "/v");
  EXPECT_EQ(match.value, nullptr);
  EXPECT_TRUE(match.path_found);
  EXPECT_EQ(match.allow, "GET, HEAD, POST");
  EXPECT_EQ(router.Find(HttpMethod::kGet, "/v/7/promote").allow, "POST");
}

}  // namespace
}  // namespace podium::net
