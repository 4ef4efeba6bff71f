// Answers that come piece by piece.
#include <gmock/gmock.h>

#include "net/http_body.h"
#include "net/http_session.h"
#include "net/server_test_fixture.h"

namespace podium::net {
namespace {

using std::chrono::seconds;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::string_view kAsk = "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kAskOld = "GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
constexpr std::string_view kLast = "\r\n0\r\n\r\n";

class StreamTest : public ServerTest {
 protected:
  StreamScript& script() { return handler_.script; }
  /// A caller whose stream waits for its first piece.
  RawClient Ask(std::string_view request = kAsk) {
    RawClient client = Connect();
    client.Send(request);
    PollUntilStreamWaits();
    return client;
  }
};

/// While the loop stands still.
bool ComesSoon(const RawClient& caller) {
  constexpr int kLooks = 100'000;  // The kernel may deliver after the send has returned.
  for (int i = 0; i < kLooks; ++i) {
    if (caller.something_came()) return true;
  }
  return false;
}

/// What the chunks of a whole answer say; "?" when they are not whole.
std::string BodyOf(std::string_view answer) {
  ResponseHead head;
  const ParseOutcome outcome = ParseResponseHead(answer, head);
  if (outcome.state != ParseState::kComplete || !head.chunked) return "?";
  BodyFraming framing(head, HttpMethod::kGet);
  answer.remove_prefix(outcome.consumed);
  std::string body;
  while (!framing.done() && !answer.empty()) {
    const BodyFraming::Step step = framing.Next(answer);
    if (step.failed) return "?";
    body += step.piece;
    answer.remove_prefix(step.consumed);
  }
  return framing.done() && answer.empty() ? body : "?";
}

TEST_F(StreamTest, GoesOutInChunks) {
  Start();
  script().Give("hello");
  script().Give(std::string(17, 'x'));
  script().End();
  RawClient client = Connect();
  client.Send(kAsk);
  EXPECT_EQ(client.ReceiveUntil(kLast),
            "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            "5\r\nhello\r\n11\r\nxxxxxxxxxxxxxxxxx\r\n0\r\n\r\n");
  EXPECT_TRUE(script().destroyed);
  EXPECT_EQ(script().cancelled, 0);
  client.Send("GET /peer HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(client.Receive(), EndsWith("127.0.0.1 true 3")) << "the connection goes on";
}

TEST_F(StreamTest, NothingWaitsForWhatComesLater) {
  Start();
  RawClient client = Ask();
  EXPECT_THAT(client.ReceiveUntil("\r\n\r\n"), HasSubstr("chunked")) << "the head alone";
  for (const char* piece : {"a", "bc", "def"}) {
    script().Give(piece);
    EXPECT_EQ(client.ReceiveUntil(std::string(piece) + "\r\n"),
              fmt::format("{}\r\n{}\r\n", std::string_view(piece).size(), piece));
  }
  script().End();
  EXPECT_EQ(client.ReceiveUntil("0\r\n\r\n"), "0\r\n\r\n");
}

TEST_F(StreamTest, PiecesThatComeTogetherGoOutTogether) {
  Start();
  std::vector<RawClient> callers;
  for (int i = 0; i < 3; ++i) {
    callers.push_back(Ask());
    (void)callers.back().ReceiveUntil("\r\n\r\n");
  }
  script().on_piece = [&] {
    for (const RawClient& caller : callers) EXPECT_FALSE(caller.something_came());
  };
  for (std::size_t i = 0; i < callers.size(); ++i) script().Give("next");
  context_.poll();
  for (RawClient& caller : callers) {
    ASSERT_TRUE(ComesSoon(caller));
    EXPECT_EQ(caller.ReceiveUntil("next\r\n"), "4\r\nnext\r\n");
  }
}

TEST_F(StreamTest, PiecesOfOneStreamAloneDoNotWait) {
  Start();
  RawClient before = Ask();
  script().End();
  (void)before.ReceiveUntil(kLast);
  script().ended = false;
  RawClient alone = Ask();
  (void)alone.ReceiveUntil("\r\n\r\n");
  bool came = false;
  script().on_piece = [&] {
    boost::asio::post(context_, [&] { came = ComesSoon(alone); });  // The next thing to be done.
  };
  script().Give("next");
  context_.poll();
  EXPECT_TRUE(came);
}

TEST_F(StreamTest, CallerWhoLeavesBeforeItsPieceGoesOutEndsTheSource) {
  Start();
  RawClient leaving = Ask();
  RawClient staying = Ask();
  (void)leaving.ReceiveUntil("\r\n\r\n");
  (void)staying.ReceiveUntil("\r\n\r\n");
  ASSERT_EQ(script().asked, 2);
  int cancelled_at_piece = -1;
  script().on_piece = [&] { cancelled_at_piece = script().cancelled; };
  leaving.Leave(false);
  script().Give("nobody's");
  PollUntilConnections(0);
  EXPECT_EQ(cancelled_at_piece, 0) << "it leaves behind the piece";
  EXPECT_EQ(script().cancelled, 1);
  EXPECT_EQ(script().asked, 3) << "what the source does then is its business: it may read on";
}

TEST_F(StreamTest, EmptyStreamIsAnAnswer) {
  Start();
  RawClient client = Ask();
  script().End();
  EXPECT_EQ(BodyOf(client.ReceiveUntil("\r\n0\r\n\r\n")), "");
}

TEST_F(StreamTest, PiecesOfAnySizeArriveWhole) {
  Start();
  std::string all;
  for (const std::size_t size : {1u, 15u, 16u, 255u, 256u, 16'384u, 16'385u, 3'000'000u, 1u}) {
    all += std::string(size, static_cast<char>('a' + size % 26));
    script().Give(all.substr(all.size() - size));
  }
  script().End();
  RawClient client = Connect();
  client.Send(kAsk);
  EXPECT_TRUE(BodyOf(client.ReceiveUntil(kLast)) == all);
}

TEST_F(StreamTest, OldClientsReadUntilTheEnd) {
  Start();
  RawClient client = Ask(kAskOld);
  script().Give("hello");
  script().Give("world");
  script().End();
  const std::string answer = client.ReceiveAll();
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("chunked")));
  EXPECT_THAT(answer, Not(HasSubstr("Content-Length")));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nhelloworld"));
  EXPECT_FALSE(client.was_reset());
}

// INV-14: a cut never looks like an end.
TEST_F(StreamTest, Inv14BrokenSourceIsACut) {
  Start();
  {
    RawClient client = Ask();
    script().Give("hello");
    EXPECT_THAT(client.ReceiveUntil("hello\r\n"), EndsWith("5\r\nhello\r\n"));
    script().Fail();
    EXPECT_EQ(client.ReceiveAll(), "") << "no last chunk";
    EXPECT_EQ(script().cancelled, 0) << "it has ended by itself";
  }
  script().failed = false;
  RawClient old = Ask(kAskOld);
  script().Give("hello");
  EXPECT_THAT(old.ReceiveUntil("hello"), EndsWith("hello"));
  script().Fail();
  EXPECT_EQ(old.ReceiveAll(), "");
  EXPECT_TRUE(old.was_reset()) << "there is nothing else that tells it from an end";
  PollUntilConnections(0);
}

TEST_F(StreamTest, HeadAndNoContentNeverStream) {
  Start();
  RawClient client = Connect();
  client.ExpectNoBodies();
  client.Send("HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string head = client.Receive();
  EXPECT_THAT(head, HasSubstr("Content-Type: text/event-stream\r\n"));
  EXPECT_THAT(head, HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_TRUE(std::exchange(handler_.script.destroyed, false));
  client.Send("GET /204 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(client.Receive(), Not(HasSubstr("chunked")));
  EXPECT_TRUE(handler_.script.destroyed);
  EXPECT_EQ(script().asked, 0);
  client.Send("GET /peer HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 200"));
}

// Nobody pays for an answer that nobody reads.
TEST_F(StreamTest, CallerWhoLeavesEndsTheSource) {
  Start();
  for (const bool reset : {false, true}) {
    for (const bool after_a_piece : {false, true}) {
      SCOPED_TRACE(fmt::format("{} {}", reset, after_a_piece));
      script().cancelled = 0;
      RawClient client = Ask();
      if (after_a_piece) {
        script().Give("hello");
        client.ReceiveUntil("hello\r\n");
        PollUntilStreamWaits();
      }
      EXPECT_EQ(script().cancelled, 0);
      client.Leave(reset);
      PollUntilConnections(0);
      EXPECT_EQ(script().cancelled, 1);
      EXPECT_TRUE(script().destroyed);
    }
  }
}

TEST_F(StreamTest, NextRequestWaitsItsTurn) {
  Start();
  RawClient client = Ask();
  client.Send("GET /peer HTTP/1.1\r\nHost: a\r\n\r\n");
  script().Give("hello");
  script().End();
  EXPECT_EQ(BodyOf(client.ReceiveUntil(kLast)), "hello");
  EXPECT_THAT(client.Receive(), EndsWith("true 3"));
  // The same, with the second request in the packet of the first.
  script().ended = false;
  client.Send(std::string(kAsk) + "GET /peer HTTP/1.1\r\nHost: a\r\n\r\n");
  PollUntilStreamWaits();
  script().Give("again");
  script().End();
  EXPECT_EQ(BodyOf(client.ReceiveUntil(kLast)), "again");
  EXPECT_THAT(client.Receive(), EndsWith("true 3"));
}

// A caller that hides its leaving behind an early request is noticed at the next write.
TEST_F(StreamTest, LeavingBehindAnEarlyRequestShowsWhenWritten) {
  Start();
  RawClient client = Ask();
  client.Send("GET /peer HTTP/1.1\r\nHost: a\r\n\r\n");
  client.Leave(true);
  while (server_->connections() > 0) {
    script().Give("hello");
    context_.poll();
  }
  EXPECT_EQ(script().cancelled, 1);
}

// INV-16: what a reader does not take, the source is not asked for.
TEST_F(StreamTest, Inv16SlowReaderPausesTheSource) {
  Start();
  script().endless = std::string(65'536, 'e');
  RawClient client = Connect();
  client.Send(kAsk);
  int asked = -1;
  for (int still = 0; still < 100; ++still) {
    if (asked != std::exchange(asked, script().asked)) still = 0;
    context_.poll();
    ASSERT_LT(script().asked, 1000) << "64 MB nobody has read";
  }
  EXPECT_GT(asked, 0);
  EXPECT_LE(server_->buffered_bytes(), 1024u) << "pieces are not copied";
  // It goes on as soon as the reader does.
  (void)client.ReceiveUntil(std::string(65'536, 'e') + "\r\n");
  while (script().asked <= asked + 10) (void)client.ReceiveUntil("\r\n");
  // One that has stopped for good is cut off, and the source learns it once.
  for (int still = 0; still < 100; ++still) {
    if (asked != std::exchange(asked, script().asked)) still = 0;
    context_.poll();
  }
  Pass(limits::kWriteTimeout - seconds(1));
  EXPECT_EQ(server_->connections(), 1u);
  EXPECT_EQ(script().cancelled, 0);
  Pass(seconds(1));
  PollUntilConnections(0);
  EXPECT_EQ(script().cancelled, 1);
  EXPECT_EQ(script().asked, asked);
}

// Thousands of streams wait most of the time: each is a socket and an object, and no buffer.
TEST_F(StreamTest, WaitingStreamHoldsNoBuffer) {
  Start();
  RawClient client = Connect();
  client.Send("POST /stream HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
  client.Send(std::string(100'000, 'x'));
  PollUntilStreamWaits();
  client.ReceiveUntil("\r\n\r\n");
  EXPECT_LE(server_->buffered_bytes(), 0u);
  script().Give(std::string(100'000, 'y'));
  client.ReceiveUntil("y\r\n");
  PollUntilStreamWaits();
  EXPECT_EQ(server_->buffered_bytes(), 0u);
  EXPECT_LE(sizeof(HttpSession), 2048u);
}

// A source may take its time, as a handler may; it has its own deadlines.
TEST_F(StreamTest, SlowSourceIsNotTheCallersFault) {
  Start();
  RawClient client = Ask();
  Pass(std::chrono::hours(1));
  script().Give("late");
  script().End();
  EXPECT_EQ(BodyOf(client.ReceiveUntil(kLast)), "late");
}

TEST_F(StreamTest, DrainLetsStreamsEnd) {
  Start();
  RawClient client = Ask();
  client.ReceiveUntil("\r\n\r\n");
  StartDrain(seconds(10));
  Pass(seconds(9));
  script().Give("hello");
  EXPECT_EQ(client.ReceiveUntil("hello\r\n"), "5\r\nhello\r\n");
  EXPECT_FALSE(drained());
  script().End();
  EXPECT_EQ(client.ReceiveAll(), "0\r\n\r\n");
  while (!drained()) context_.poll();
  EXPECT_EQ(script().cancelled, 0);
}

// A deadline that passes between the reading of a piece and its writing.
TEST_F(StreamTest, DrainCutsStreamsWhosePiecesWaitTheirTurn) {
  Start();
  RawClient one = Ask();
  RawClient other = Ask();
  one.ReceiveUntil("\r\n\r\n");
  other.ReceiveUntil("\r\n\r\n");
  StartDrain(seconds(5));
  int pieces = 0;
  script().on_piece = [&] {
    if (++pieces == 1) clock_.Advance(seconds(6));
    boost::asio::post(context_, [this] { server_->SweepNow(); });
  };
  script().Give("late");
  while (!drained()) context_.poll();
  EXPECT_GE(pieces, 1);
  EXPECT_THAT(one.ReceiveAll() + other.ReceiveAll(), ::testing::Not(::testing::HasSubstr("0\r\n")));
}

TEST_F(StreamTest, DrainCutsStreamsAtItsDeadline) {
  Start();
  RawClient client = Ask();
  client.ReceiveUntil("\r\n\r\n");
  StartDrain(seconds(5));
  Pass(seconds(4));
  EXPECT_FALSE(drained());
  Pass(seconds(1));
  while (!drained()) context_.poll();
  EXPECT_EQ(client.ReceiveAll(), "");
  EXPECT_EQ(script().cancelled, 1);
}

}  // namespace
}  // namespace podium::net
