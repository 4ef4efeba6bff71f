#include "net/http_server.h"

#include <gmock/gmock.h>

#include "net/http_session.h"
#include "net/server_test_fixture.h"

namespace podium::net {
namespace {

using std::chrono::seconds;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string Post(std::string_view path, std::string_view body, std::string_view lines = {}) {
  return fmt::format("POST {} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n{}\r\n{}", path,
                     body.size(), lines, body);
}

std::string Chunked(std::string_view path, std::string_view chunks) {
  return fmt::format("POST {} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{}", path,
                     chunks);
}

std::string InChunks(std::size_t bytes) {
  return fmt::format("{:x}\r\n{}\r\n0\r\n\r\n", bytes, std::string(bytes, 'c'));
}

TEST_F(ServerTest, AnswersInHttp) {
  Start();
  RawClient client = Connect();
  client.Send(Post("/fast", "hello"));
  EXPECT_EQ(client.Receive(),
            "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            "Content-Type: application/json\r\nContent-Length: 5\r\n\r\nhello");
  client.Send("GET /peer HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(client.Receive(), EndsWith("127.0.0.1 true 3"));
}

// The order of answers is the only thing that tells a pipelining client what belongs to what.
TEST_F(ServerTest, AnswersPipelinedRequestsInOrder) {
  Start();
  RawClient client = Connect();
  client.Send(Post("/a", "1") + Post("/fast", "2") + Chunked("/c", "1\r\n3\r\n0\r\n\r\n") +
              "GET /fast HTTP/1.1\r\nHost: a\r\n\r\n" + Post("/d", "4"));
  EXPECT_THAT(client.Receive(), EndsWith("/a=1"));
  EXPECT_THAT(client.Receive(), EndsWith("\r\n\r\n2"));
  EXPECT_THAT(client.Receive(), EndsWith("/c=3"));
  EXPECT_THAT(client.Receive(), EndsWith("Content-Length: 0\r\n\r\n"));
  EXPECT_THAT(client.Receive(), EndsWith("/d=4"));
}

TEST_F(ServerTest, ManyPipelinedRequestsNeedNoStack) {
  Start();
  RawClient client = Connect();
  std::string all;
  for (int i = 0; i < 2000; ++i) all += "GET /fast HTTP/1.1\r\nHost: a\r\n\r\n";
  // Behind a chunked body, so that much of it lies in one buffer.
  client.Send(Chunked("/x", "1\r\nx\r\n") + "");
  context_.poll();
  client.Send("0\r\n\r\n" + all);
  EXPECT_THAT(client.Receive(), EndsWith("/x=x"));
  for (int i = 0; i < 2000; ++i) ASSERT_THAT(client.Receive(), StartsWith("HTTP/1.1 200"));
}

class DrainTest : public ServerTest, public ::testing::WithParamInterface<int> {};

// Between a request and what follows its answer no deadline is needed to end a connection.
TEST_P(DrainTest, EndsConnectionsAtEveryStep) {
  Start();
  RawClient client = Connect();
  PollUntilConnections(1);
  const std::string request = Post("/fast", "x");
  ASSERT_EQ(client.SendSome(request, 0), request.size());
  for (int step = 0; step < GetParam(); ++step) context_.poll_one();
  StartDrain(seconds(10));
  for (int i = 0; i < 1000 && !drained(); ++i) context_.poll();
  EXPECT_TRUE(drained());
}

// The same of an answer that the caller takes slowly.
TEST_F(ServerTest, DrainEndsAConnectionOnceItsAnswerIsRead) {
  Start();
  RawClient client = Connect();
  client.Send(Post("/big", ""));
  StartDrain(seconds(10));
  EXPECT_FALSE(drained());
  EXPECT_THAT(client.Receive(), EndsWith("bbb"));
  for (int i = 0; i < 1000 && !drained(); ++i) context_.poll();
  EXPECT_TRUE(drained());
}

// What came while the request before it was handled is answered, if a drain begins just then.
TEST_P(DrainTest, AnswersWhatHasCome) {
  Start();
  RawClient client = Connect();
  PollUntilConnections(1);
  const std::string request = Post("/fast", "x");
  ASSERT_EQ(client.SendSome(request, 0), request.size());
  handler_.on_fast = [&] {  // Behind the first, in the kernel.
    if (handler_.fast == 1) (void)client.SendSome(request, 0);
  };
  for (int step = 0; step <= GetParam(); ++step) context_.poll_one();
  StartDrain(seconds(10));
  EXPECT_THAT(client.Receive(), EndsWith("x"));
  EXPECT_THAT(client.Receive(), EndsWith("x"));
}

INSTANTIATE_TEST_SUITE_P(Steps, DrainTest, ::testing::Range(0, 8));

// The network may split anywhere, head, body and chunk sizes included.
TEST_F(ServerTest, SplitAtEveryByte) {
  Start();
  const std::string requests[] = {Post("/fast", "hello"), Post("/slow", "hello"),
                                  Chunked("/c", "3\r\nhel\r\n2;x\r\nlo\r\n0\r\nT: u\r\n\r\n"),
                                  Post("/pieces", "hello")};
  const char* const endings[] = {"hello", "/slow=hello", "/c=hello", "\r\n\r\n5"};
  RawClient client = Connect();
  for (std::size_t i = 0; i < std::size(requests); ++i) {
    for (std::size_t cut = 1; cut < requests[i].size(); ++cut) {
      client.Send(std::string_view(requests[i]).substr(0, cut));
      context_.poll();
      client.Send(std::string_view(requests[i]).substr(cut));
      ASSERT_THAT(client.Receive(), EndsWith(endings[i])) << cut;
    }
    for (const char c : requests[i]) client.Send(std::string_view(&c, 1));
    ASSERT_THAT(client.Receive(), EndsWith(endings[i]));
  }
}

// INV-16: a body at the limit and one above, announced and not.
TEST_F(ServerTest, Inv16BodiesHaveALimit) {
  Start();
  const std::string full(kTestBodyLimit, 'x');
  for (const char* path : {"/fast", "/slow", "/pieces"}) {
    SCOPED_TRACE(path);
    RawClient client = Connect();
    client.Send(Post(path, full));
    EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 200"));
    client.Send(Chunked(path, InChunks(kTestBodyLimit)));
    EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 200"));
    client.Send(Post(path, full + "x"));
    const std::string refused = client.ReceiveAll();
    EXPECT_THAT(refused, StartsWith("HTTP/1.1 413"));
    EXPECT_THAT(refused, HasSubstr("limit of 300000 bytes"));
    EXPECT_THAT(refused, HasSubstr("Connection: close"));
    RawClient second = Connect();
    second.Send(Chunked(path, InChunks(kTestBodyLimit + 1)));
    EXPECT_THAT(second.Receive(), StartsWith("HTTP/1.1 413"));
  }
}

TEST_F(ServerTest, ContinueIsSaidOnlyWhenTheBodyIsWanted) {
  Start();
  RawClient client = Connect();
  client.Send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.Receive(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.Send("ab");
  EXPECT_THAT(client.Receive(), EndsWith("/x=ab"));
  client.Send(
      "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n");
  const std::string refused = client.Receive();
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(refused, HasSubstr("Connection: close"));
}

TEST_F(ServerTest, HeadHasTheLengthButNoBody) {
  Start();
  RawClient client = Connect();
  client.ExpectNoBodies();
  client.Send("HEAD /ignore HTTP/1.1\r\nHost: a\r\n\r\nHEAD /ignore HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(client.Receive(), HasSubstr("Content-Length: 7\r\n"));
  EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 200"));
}

// A body that nobody reads must not be taken for the next request.
TEST_F(ServerTest, UnreadBodyIsSkippedOrEndsTheConnection) {
  Start();
  RawClient client = Connect();
  client.Send(Post("/ignore", "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n") + Post("/b", "2"));
  EXPECT_THAT(client.Receive(), EndsWith("ignored"));
  EXPECT_THAT(client.Receive(), EndsWith("/b=2"));
  client.Send(Post("/ignore", std::string(5'000'000, 'x')) + Post("/b", "2"));
  const std::string last = client.ReceiveAll();
  EXPECT_THAT(last, HasSubstr("Connection: close"));
  EXPECT_THAT(last, EndsWith("ignored"));
}

// After bytes whose framing is in doubt, nothing more is read as a request.
TEST_F(ServerTest, AmbiguousFramingEndsTheConnection) {
  Start();
  const std::string smuggled = "GET /fast HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string heads[] = {
      "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
      "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n",
      "POST /x HTTP/1.1\r\nHost: a\r\nx: y\r\n Content-Length: 5\r\n\r\n",
      "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\n",
  };
  for (const std::string& head : heads) {
    RawClient client = Connect();
    client.Send(head + smuggled);
    client.SendEnd();
    const std::string all = client.ReceiveAll();
    EXPECT_THAT(all, StartsWith("HTTP/1.1 400 Bad Request\r\n"));
    EXPECT_THAT(all, HasSubstr("Connection: close\r\n"));
    EXPECT_THAT(all, Not(HasSubstr("200 OK")));
  }
  RawClient client = Connect();
  client.Send(Chunked("/x", "zz\r\n") + smuggled);
  client.SendEnd();
  const std::string all = client.ReceiveAll();
  EXPECT_THAT(all, StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(all, HasSubstr("chunk size"));
  EXPECT_THAT(all, Not(HasSubstr("200 OK")));
}

TEST_F(ServerTest, HalfRequestsAreAnsweredAndForgotten) {
  Start();
  RawClient head = Connect();
  head.Send("GET / HTTP/1.1\r\nHos");
  head.SendEnd();
  EXPECT_THAT(head.ReceiveAll(), StartsWith("HTTP/1.1 400"));
  RawClient body = Connect();
  body.Send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  body.SendEnd();
  const std::string answer = body.ReceiveAll();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(answer, HasSubstr("ended before the end of the body"));
  RawClient nothing = Connect();
  nothing.SendEnd();
  EXPECT_EQ(nothing.ReceiveAll(), "");
  PollUntilConnections(0);
}

TEST_F(ServerTest, OldClientsAreToldThatTheConnectionStays) {
  Start();
  RawClient client = Connect();
  client.Send("GET /fast HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_THAT(client.Receive(), HasSubstr("Connection: keep-alive\r\n"));
  client.Send("GET /fast HTTP/1.0\r\n\r\n");
  EXPECT_THAT(client.ReceiveAll(), HasSubstr("Connection: close\r\n"));
}

TEST_F(ServerTest, HandlerMayCloseTheConnection) {
  Start();
  RawClient client = Connect();
  client.Send("GET /close HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(client.ReceiveAll(), HasSubstr("Connection: close\r\n"));
}

TEST_F(ServerTest, LargeAnswersArriveWhole) {
  Start();
  RawClient client = Connect();
  client.Send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client.Receive().size() / 1000, 8'000u);
  client.Send(Post("/b", "2"));
  EXPECT_THAT(client.Receive(), EndsWith("/b=2"));
}

// ---- Slow peers. Each limit is tested just before and just after.

// Whoever goes with half a request said leaves nothing behind, however it goes.
TEST_F(ServerTest, AResetInTheMiddleEndsTheConnection) {
  Start();
  for (const char* half :
       {"GET / HT", "POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx"}) {
    SCOPED_TRACE(half);
    RawClient client = Connect();
    PollUntilConnections(1);
    context_.poll();  // It waits for a request.
    const std::string_view text = half;
    ASSERT_EQ(client.SendSome(text.substr(0, 4), 0), 4u);
    context_.poll();
    ASSERT_EQ(client.SendSome(text, 4), text.size() - 4);
    client.Leave(true);
    for (int i = 0; i < 3; ++i) Pass(std::chrono::milliseconds(1));
    EXPECT_EQ(server_->connections(), 0u);
  }
}

TEST_F(ServerTest, SlowHeadIs408EvenIfItTrickles) {
  Start();
  RawClient client = Connect();
  client.Send("GET / HTTP/1.1\r\n");
  for (int i = 0; i < 9; ++i) {
    Pass(seconds(1));
    client.Send("x");  // Bytes buy no time.
  }
  EXPECT_FALSE(client.closed());
  Pass(seconds(1));
  const std::string answer = client.ReceiveAll();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 408"));
  EXPECT_THAT(answer, HasSubstr("Connection: close"));
}

TEST_F(ServerTest, StalledBodyIs408) {
  Start();
  for (const char* path : {"/x", "/pieces"}) {
    RawClient client = Connect();
    client.Send(fmt::format("POST {} HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc", path));
    Pass(seconds(29));
    EXPECT_FALSE(client.closed());
    Pass(seconds(1));
    client.SendEnd();
    EXPECT_THAT(client.ReceiveAll(), StartsWith("HTTP/1.1 408"));
  }
}

// INV-16: a patient sender of single bytes must not hold a connection for as long as it likes; one
// that keeps the least rate may take its time.
TEST_F(ServerTest, Inv16BodiesHaveALeastRate) {
  Start();
  for (const char* path : {"/x", "/pieces"}) {
    RawClient patient = Connect();
    RawClient steady = Connect();
    const std::string head =
        fmt::format("POST {} HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n", path);
    patient.Send(head);
    steady.Send(head);
    const std::string second(limits::kMinBytesPerSecond, 's');
    std::size_t sent = 0;
    for (; sent * second.size() < 150'000; ++sent) {
      Pass(seconds(1));
      steady.Send(second);
      if (sent % 20 == 19) patient.Send("b");  // Progress, but far below the rate.
      if (sent == 28) EXPECT_FALSE(patient.closed());
    }
    patient.SendEnd();
    EXPECT_THAT(patient.ReceiveAll(), StartsWith("HTTP/1.1 408"));
    steady.Send(std::string(200'000 - sent * second.size(), 's'));
    EXPECT_THAT(steady.Receive(), StartsWith("HTTP/1.1 200"));
  }
}

TEST_F(ServerTest, IdleConnectionsEndSilently) {
  Start();
  RawClient client = Connect();
  client.Send(Post("/b", "2"));
  EXPECT_THAT(client.Receive(), EndsWith("/b=2"));
  Pass(limits::kIdleTimeout - seconds(1));
  EXPECT_FALSE(client.closed());
  Pass(seconds(1));
  EXPECT_EQ(client.ReceiveAll(), "");
  EXPECT_EQ(server_->connections(), 0u);
}

// An idle connection gives its buffers back and notices the next request all the same.
TEST_F(ServerTest, ParkedConnectionsGoOn) {
  Start();
  RawClient fresh = Connect();
  RawClient used = Connect();
  used.Send(Post("/b", "2"));
  EXPECT_THAT(used.Receive(), EndsWith("/b=2"));
  for (int i = 0; i < 3; ++i) {
    Pass(kParkAfter);
    used.Send(Post("/b", "2"));
    EXPECT_THAT(used.Receive(), EndsWith("/b=2"));
  }
  EXPECT_GT(server_->buffered_bytes(), 0u);
  Pass(kParkAfter);
  EXPECT_EQ(server_->buffered_bytes(), 0u) << "an idle connection is a socket and no buffer";
  // A head that comes in two parts, the second after what would be time to park.
  fresh.Send("GET /fa");
  Pass(kParkAfter + seconds(1));
  fresh.Send("st HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(fresh.Receive(), StartsWith("HTTP/1.1 200"));
  used.SendEnd();
  EXPECT_EQ(used.ReceiveAll(), "");
  PollUntilConnections(1);
}

// Parking buys no time.
TEST_F(ServerTest, ParkedConnectionsEndWhenIdleTooLong) {
  Start();
  RawClient client = Connect();
  PollUntilConnections(1);
  Pass(seconds(10));
  Pass(limits::kIdleTimeout - seconds(11));
  EXPECT_FALSE(client.closed());
  Pass(seconds(1));
  EXPECT_EQ(client.ReceiveAll(), "");
}

TEST_F(ServerTest, ReaderThatStallsIsCutOff) {
  Start();
  RawClient client = Connect();
  client.Send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
  PollUntilConnections(1);
  for (int i = 0; i < 100; ++i) context_.poll();  // Until the socket's buffers are full.
  Pass(limits::kWriteTimeout - seconds(1));
  EXPECT_EQ(server_->connections(), 1u);
  Pass(seconds(1));
  PollUntilConnections(0);
  EXPECT_LT(client.ReceiveAll().size(), 8'000'000u);
}

// INV-16: a caller that sends requests and never reads an answer. What is not answered is not read,
// so neither side of the connection can grow.
TEST_F(ServerTest, Inv16CallerThatNeverReadsGrowsNothing) {
  Start();
  RawClient client = Connect();
  std::string requests;
  for (int i = 0; i < 200; ++i) requests += Post("/fast", std::string(1000, 'x'));
  std::size_t sent = 0;
  for (int still = 0; still < 50;) {
    const std::size_t more = client.SendSome(requests, sent % requests.size());
    sent += more;
    still = more > 0 ? 0 : still + 1;
    context_.poll();
    ASSERT_LT(sent, 64u * 1024 * 1024) << "the server reads on without an end";
  }
  EXPECT_LE(server_->buffered_bytes(), 2 * kFirstReadBytes);
  const std::size_t handled = handler_.fast;
  EXPECT_GT(handled, 0u);
  for (int i = 0; i < 100; ++i) context_.poll();
  EXPECT_EQ(handler_.fast, handled);
  Pass(limits::kWriteTimeout - seconds(1));
  EXPECT_EQ(server_->connections(), 1u);
  Pass(seconds(1));
  PollUntilConnections(0);
}

TEST_F(ServerTest, SlowHandlerIsNotTheClientsFault) {
  Start();
  RawClient client = Connect();
  client.Send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
  PollUntilWaiting(1);
  Pass(std::chrono::hours(1));
  handler_.Open();
  EXPECT_THAT(client.Receive(), EndsWith("waited"));
}

// ---- Limits and the end.

// INV-16: connections at the limit and one above.
TEST_F(ServerTest, Inv16ConnectionsHaveALimit) {
  HttpServerOptions options;
  options.max_connections = 2;
  Start(options);
  RawClient first = Connect();
  {
    RawClient second = Connect();
    PollUntilConnections(2);
    RawClient third = Connect();
    const std::string refused = third.ReceiveAll();
    EXPECT_THAT(refused, StartsWith("HTTP/1.1 503"));
    EXPECT_THAT(refused, HasSubstr("Retry-After: 1\r\n"));
    second.Send(Post("/b", "2"));
    EXPECT_THAT(second.Receive(), EndsWith("/b=2"));
  }
  PollUntilConnections(1);
  RawClient again = Connect();
  again.Send(Post("/b", "2"));
  EXPECT_THAT(again.Receive(), EndsWith("/b=2"));
}

TEST_F(ServerTest, DrainLetsRequestsEnd) {
  Start();
  RawClient idle = Connect();
  RawClient busy = Connect();
  idle.Send(Post("/b", "2"));
  EXPECT_THAT(idle.Receive(), EndsWith("/b=2"));
  busy.Send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
  PollUntilWaiting(1);
  StartDrain(seconds(10));
  EXPECT_EQ(idle.ReceiveAll(), "");
  Pass(seconds(9));
  EXPECT_FALSE(drained());
  handler_.Open();
  const std::string answer = busy.ReceiveAll();
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(answer, EndsWith("waited"));
  while (!drained()) context_.poll();
  EXPECT_EQ(server_->connections(), 0u);
}

TEST_F(ServerTest, DrainCutsAtItsDeadline) {
  Start();
  RawClient busy = Connect();
  busy.Send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
  RawClient half = Connect();
  half.Send("GET /half");
  PollUntilWaiting(1);
  PollUntilConnections(2);
  StartDrain(seconds(5));
  Pass(seconds(4));
  EXPECT_FALSE(drained());
  Pass(seconds(1));
  while (!drained()) context_.poll();
  EXPECT_EQ(busy.ReceiveAll(), "");
  EXPECT_EQ(half.ReceiveAll(), "");
}

TEST(Listeners, AllCoresShareThePortAndNobodyElse) {
  auto first = Listeners::Open({"127.0.0.1", 0}, 3);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->size(), 3u);
  ASSERT_NE(first->port(), 0);
  const auto second = Listeners::Open({"127.0.0.1", first->port()}, 3);
  ASSERT_FALSE(second) << "two servers would silently share the traffic";
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(second.error().message, HasSubstr("address in use: 127.0.0.1:"));
  const auto name = Listeners::Open({"not-an-address", 0}, 1);
  ASSERT_FALSE(name);
  EXPECT_EQ(name.error().code, ErrorCode::kInvalidArgument);
}

TEST(Listeners, SpeakIpv6) {
  const auto listeners = Listeners::Open({"::1", 0}, 2);
  if (listeners) {
    EXPECT_NE(listeners->port(), 0);
  } else {  // A machine without IPv6 is told which address it cannot have.
    EXPECT_THAT(listeners.error().message, HasSubstr("[::1]:0"));
  }
}

}  // namespace
}  // namespace podium::net
