#include "app/front.h"

#include <gtest/gtest.h>

#include "net/memory_exchange.h"

namespace podium::app {
namespace {

// Says who it is, at once.
class Named final : public net::Handler {
 public:
  explicit Named(std::string name) : name_(std::move(name)) {}
  bool TryHandle(net::Exchange&, net::Response& out) override {
    out.body = name_;
    return true;
  }
  Task<net::Response> Handle(net::Exchange&) override { co_return net::Response(); }

 private:
  const std::string name_;
};

// What Front answers without a coroutine: a handler's name, "later" for a hand-over, or a status.
std::string Ask(const auth::Authenticator& authenticator, std::string_view path,
                std::string_view host, std::string_view more = "") {
  Named gateway("gateway");
  Named admin("admin");
  Named mlflow("mlflow");
  Front front(authenticator, gateway, admin, mlflow);
  net::MemoryExchange exchange(
      fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\n{}\r\n", path, host, more));
  net::Response response;
  if (!front.TryHandle(exchange, response)) return "later";
  return response.status == 200 ? response.body : std::to_string(response.status);
}

TEST(Front, HandsOnByPath) {
  const auto local = auth::Authenticator::LocalOnly();
  EXPECT_EQ(Ask(local, "/predict/r", "localhost"), "gateway");
  EXPECT_EQ(Ask(local, "/internal/models/active", "localhost"), "gateway");
  EXPECT_EQ(Ask(local, "/api/v1/routes", "localhost"), "later");
  EXPECT_EQ(Ask(local, "/predictions", "localhost"), "later");
}

// A page in somebody's browser must not drive an unguarded server through its own name or a form.
TEST(Front, GuardsTheDoorWhenThereIsNoToken) {
  const auto local = auth::Authenticator::LocalOnly();
  const auto token = auth::Authenticator::WithAdminToken("sixteen-letters!", "k");
  const std::string_view foreign = "Origin: http://evil.example\r\n";
  for (const std::string_view path :
       {"/predict/r", "/api/v1/routes", "/metrics", "/api/2.0/mlflow/registered-models/create"}) {
    EXPECT_EQ(Ask(local, path, "evil.example"), "403");
    EXPECT_EQ(Ask(local, path, "localhost", foreign), "403");
  }
  EXPECT_EQ(Ask(token, "/predict/r", "models.example"), "gateway");
  EXPECT_EQ(Ask(token, "/predict/r", "models.example", foreign), "gateway");
}

}  // namespace
}  // namespace podium::app
