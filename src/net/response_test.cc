#include "net/response.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace podium::net {
namespace {

std::string Head(const Response& response, std::string_view connection = "") {
  std::string out;
  AppendResponseHead(response, connection, "", out);
  return out;
}

TEST(ResponseHead, IsWrittenAsHttp) {
  Response response;
  response.status = 201;
  response.body = "{}";
  response.headers.Add("x-podium-bucket", 42);
  EXPECT_EQ(Head(response, "close"),
            "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
            "Connection: close\r\nx-podium-bucket: 42\r\n\r\n");
  Response empty;
  empty.status = 204;
  EXPECT_EQ(Head(empty), "HTTP/1.1 204 No Content\r\n\r\n");
  empty.status = 200;
  EXPECT_EQ(Head(empty), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

// A value from outside (a route's name) must not be able to add a header or end the head.
TEST(ResponseHeaders, ValuesCannotBreakOut) {
  Response response;
  response.headers.Add("x-podium-route", "a\r\nSet-Cookie: b\r\n\r\n<html>");
  EXPECT_EQ(response.headers.wire(), "x-podium-route: a  Set-Cookie: b    <html>\r\n");
  response.headers.Add("x-other", "c");
  EXPECT_EQ(response.headers.Find("X-Other"), "c");
  EXPECT_EQ(response.headers.Find("set-cookie"), std::nullopt);
}

TEST(ProblemResponse, SpeaksProblemDetails) {
  const Error error{ErrorCode::kNotFound, "no route \"x\"", "route", nullptr};
  const Response response = ProblemResponse(error, "r-1");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.content_type.view(), "application/problem+json");
  const auto body = ParseJson(response.body);
  ASSERT_TRUE(body) << response.body;
  EXPECT_EQ(body->at("status"), 404);
  EXPECT_EQ(body->at("title"), "Not found");
  EXPECT_EQ(body->at("detail"), "no route \"x\"");
  EXPECT_EQ(body->at("code"), "not_found");
  EXPECT_EQ(body->at("where"), "route");
  EXPECT_EQ(body->at("request_id"), "r-1");
  EXPECT_TRUE(ParseJson(ProtocolProblem(431, "too long").body));
  EXPECT_EQ((*ParseJson(ProtocolProblem(414, "x").body))["code"], "uri_too_long");
}

TEST(DateLine, IsTheFormatOfHttp) {
  EXPECT_EQ(DateLine(784111777), "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
}

}  // namespace
}  // namespace podium::net
