#include "net/http_client.h"

#include <gmock/gmock.h>

#include "net/client_exchange.h"
#include "net/server_test_fixture.h"

namespace podium::net {
namespace {

using ::testing::HasSubstr;

class ClientTest : public ServerTest {
 protected:
  Result<ClientResponse> Send(HttpClient& client, ClientRequest request) {
    std::optional<Result<ClientResponse>> response;
    TaskGroup group(context_.get_executor());
    group.Spawn(Into(client, std::move(request), response));
    while (group.size() > 0) context_.run_one();
    return std::move(*response);
  }
  static ClientRequest Post(std::string target, std::string body) {
    ClientRequest request;
    request.method = HttpMethod::kPost;
    request.target = std::move(target);
    request.body = std::move(body);
    return request;
  }
  static Task<void> Into(HttpClient& client, ClientRequest request,
                         std::optional<Result<ClientResponse>>& response) {
    response = co_await client.Send(std::move(request));
  }
  HostPort address() const { return {"127.0.0.1", port_}; }
};

TEST_F(ClientTest, KeepsItsConnection) {
  Start();
  HttpClient client(context_.get_executor(), address());
  for (int i = 0; i < 3; ++i) {
    const auto response = Send(client, Post("/x", "body"));
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body, "/x=body");
    EXPECT_EQ(response->Find("content-TYPE"), "text/plain");
    EXPECT_EQ(server_->connections(), 1u);
  }
  client.Close();
  PollUntilConnections(0);
}

TEST_F(ClientTest, ReplacesAConnectionThatTheServerClosed) {
  Start();
  HttpClient client(context_.get_executor(), address());
  ASSERT_TRUE(Send(client, Post("/x", "1")));
  Pass(limits::kIdleTimeout);
  PollUntilConnections(0);
  const auto response = Send(client, Post("/x", "2"));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "/x=2");
}

TEST_F(ClientTest, HeadAndLargeAnswers) {
  Start();
  HttpClient client(context_.get_executor(), address());
  ClientRequest head;
  head.method = HttpMethod::kHead;
  head.target = "/big";
  auto response = Send(client, head);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body, "");
  EXPECT_EQ(response->Find("content-length"), "8000000");
  ClientRequest get;
  get.target = "/big";
  get.max_response_bytes = 8'000'000;
  response = Send(client, get);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body.size(), 8'000'000u);
  get.max_response_bytes = 7'999'999;
  response = Send(client, get);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::kTooLarge);
}

// An answer that is shown as it comes must not be kept as well.
TEST_F(ClientTest, GivesTheBodyAwayPieceByPiece) {
  Start();
  HttpClient client(context_.get_executor(), address());
  ClientRequest get;
  get.target = "/big";
  std::size_t bytes = 0;
  int pieces = 0;
  get.sink = [&](const ClientResponse& head, std::string_view piece) {
    EXPECT_EQ(head.Find("content-length"), "8000000");
    EXPECT_FALSE(piece.empty());
    bytes += piece.size();
    ++pieces;
  };
  get.max_response_bytes = 8'000'000;
  auto response = Send(client, get);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "");
  EXPECT_EQ(bytes, 8'000'000u);
  EXPECT_GT(pieces, 1);
  EXPECT_EQ(server_->connections(), 1u);

  get.max_response_bytes = 7'999'999;
  response = Send(client, get);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::kTooLarge);

  // A refusal is read, not shown.
  ClientRequest large = Post("/x", std::string(kTestBodyLimit + 1, 'x'));
  large.sink = [](const ClientResponse&, std::string_view) { FAIL(); };
  response = Send(client, large);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 413);
  EXPECT_NE(response->body, "");
}

// The command line prints another message, and exits otherwise, when no server is there.
TEST_F(ClientTest, NamesTheAddressWhereNobodyListens) {
  std::uint16_t port = 0;
  {
    const auto free = Listeners::Open({"127.0.0.1", 0}, 1);
    ASSERT_TRUE(free);
    port = free->port();
  }
  const auto response = SendBlocking({"127.0.0.1", port}, ClientRequest{});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(response.error().message, HasSubstr(fmt::format("127.0.0.1:{}", port)));
}

TEST_F(ClientTest, GivesUpAtItsDeadline) {
  Start();
  HttpClient client(context_.get_executor(), address());
  ClientRequest request;
  request.target = "/wait";
  request.timeout = std::chrono::milliseconds(1);
  const auto response = Send(client, request);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::kDeadline);
}

TEST_F(ClientTest, SaysWhenTheServerVanishes) {
  Start();
  HttpClient client(context_.get_executor(), address());
  std::optional<Result<ClientResponse>> response;
  TaskGroup group(context_.get_executor());
  ClientRequest request;
  request.target = "/wait";
  group.Spawn(Into(client, request, response));
  PollUntilWaiting(1);
  StartDrain(std::chrono::nanoseconds::zero());
  Pass(std::chrono::nanoseconds::zero());
  while (group.size() > 0) context_.run_one();
  ASSERT_FALSE(*response);
  EXPECT_EQ(response->error().code, ErrorCode::kInternal);
}

TEST_F(ClientTest, StreamsABodyAndReportsProgress) {
  Start();
  HttpClient client(context_.get_executor(), address());
  std::uint64_t given = 0;
  std::uint64_t reported = 0;
  BodySource source;
  source.size = kTestBodyLimit;
  source.read = [&given](char* buffer, std::size_t capacity) -> Result<std::size_t> {
    std::fill_n(buffer, capacity, 's');
    given += capacity;
    return capacity;
  };
  source.progress = [&reported](std::uint64_t sent) { reported = sent; };
  ClientRequest request = Post("/pieces", "");
  request.source = source;
  auto response = Send(client, request);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, std::to_string(kTestBodyLimit));
  EXPECT_EQ(reported, kTestBodyLimit);

  // One byte too many is refused before a single one is sent.
  given = 0;
  request.source->size = kTestBodyLimit + 1;
  response = Send(client, request);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 413);
  EXPECT_EQ(given, 0u);

  request.source->size = 10;
  request.source->read = [](char*, std::size_t) -> Result<std::size_t> {
    return Fail(ErrorCode::kNotFound, "the file is gone");
  };
  response = Send(client, request);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().message, "the file is gone");
}

TEST(RequestText, RefusesWhatWouldBreakOut) {
  const HostPort server{"127.0.0.1", 80};
  ClientRequest request;
  request.target = "/a b";
  EXPECT_FALSE(RequestText(request, server));
  request.target = "/a\r\nx: y";
  EXPECT_FALSE(RequestText(request, server));
  request.target = "/a";
  request.headers = {{"x", "a\r\nb: c"}};
  EXPECT_FALSE(RequestText(request, server));
  request.headers = {{"x y", "a"}};
  EXPECT_FALSE(RequestText(request, server));
  request.headers = {{"x", "a"}};
  EXPECT_EQ(*RequestText(request, server), "GET /a HTTP/1.1\r\nHost: 127.0.0.1:80\r\nx: a\r\n\r\n");
}

}  // namespace
}  // namespace podium::net
