// Callers who leave while a handler works.
#include <gmock/gmock.h>

#include "net/server_test_fixture.h"

namespace podium::net {
namespace {

using std::chrono::seconds;
using ::testing::EndsWith;
using ::testing::StartsWith;

class WatchTest : public ServerTest {
 protected:
  /// A caller for whom the handler works.
  RawClient Ask(const std::string& path) {
    const int waiting = handler_.waiting;
    RawClient client = Connect();
    client.Send("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
    PollUntilWaiting(waiting + 1);
    return client;
  }
  void PollAWhile() {
    server_->SweepNow();
    for (int i = 0; i < 50; ++i) context_.poll();
  }
};

TEST_F(WatchTest, HandlerIsToldOnceHoweverTheyLeave) {
  Start();
  int left = 0;
  for (const bool reset : {false, true}) {
    RawClient client = Ask("/watch");
    PollAWhile();
    EXPECT_EQ(handler_.left, left) << "it is still there";
    client.Leave(reset);
    PollUntilLeft(++left);
    PollUntilConnections(0);
    EXPECT_EQ(handler_.left, left);
  }
  // Whoever has only ended its sending counts as well, and can read the answer.
  RawClient client = Ask("/watch");
  client.SendEnd();
  PollUntilLeft(++left);
  EXPECT_THAT(client.ReceiveAll(), EndsWith("watched"));
  EXPECT_EQ(handler_.left, left);
}

TEST_F(WatchTest, LeavingBeforeTheWatchIsToldToo) {
  Start();
  RawClient client = Ask("/watch/late");
  client.Leave(false);
  PollAWhile();
  EXPECT_EQ(handler_.left, 0);
  handler_.Open();
  PollUntilLeft(1);
  PollUntilConnections(0);
}

// Its bytes stay where they are, and it is answered in its turn.
TEST_F(WatchTest, NextRequestIsNoLeaving) {
  Start();
  RawClient client = Ask("/watch");
  client.Send("GET /peer HTTP/1.1\r\nHost: a\r\n\r\n");
  PollAWhile();
  EXPECT_EQ(handler_.left, 0);
  handler_.Open();
  EXPECT_THAT(client.Receive(), EndsWith("watched"));
  EXPECT_THAT(client.Receive(), EndsWith("127.0.0.1 true 3"));
  EXPECT_EQ(handler_.left, 0);
  // What hid the end behind it hides nothing from the next one.
  client.Send("GET /watch HTTP/1.1\r\nHost: a\r\n\r\n");
  PollUntilWaiting(2);
  client.Leave(false);
  PollUntilLeft(1);
  EXPECT_EQ(handler_.left, 1);
}

TEST_F(WatchTest, EndsByAnEmptyFunctionAndByTheAnswer) {
  Start();
  {
    RawClient client = Ask("/watch/ended");
    client.Leave(false);
    PollAWhile();
    handler_.Open();
    PollUntilConnections(0);
  }
  for (const char* path : {"/watch", "/watch/none"}) {
    RawClient client = Ask(path);
    handler_.Open();
    EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 20"));
    client.Send("GET /peer HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_THAT(client.Receive(), EndsWith("127.0.0.1 true 3")) << "the connection goes on";
    client.Leave(false);
    PollUntilConnections(0);
  }
  EXPECT_EQ(handler_.left, 0);
}

// From the answer on the caller is the stream's.
TEST_F(WatchTest, StreamsAreWatchedOn) {
  Start();
  {
    RawClient client = Ask("/watch/stream");
    handler_.Open();
    PollUntilStreamWaits();
    client.Leave(false);
    PollUntilConnections(0);
    EXPECT_EQ(handler_.script.cancelled, 1);
    EXPECT_EQ(handler_.left, 0);
  }
  handler_.script.destroyed = false;
  const int asked = handler_.script.asked;
  RawClient client = Ask("/watch/stream");
  client.Leave(false);
  PollUntilLeft(1);
  PollUntilConnections(0);
  EXPECT_TRUE(handler_.script.destroyed);
  EXPECT_EQ(handler_.script.asked, asked) << "for nobody";
}

TEST_F(WatchTest, EndOfTheDrainIsToldAtOnce) {
  Start();
  RawClient client = Ask("/watch");
  RawClient late = Ask("/watch/late");
  StartDrain(seconds(5));
  Pass(seconds(4));
  EXPECT_EQ(handler_.left, 0);
  Pass(seconds(1));
  while (!drained()) Pass(seconds(0));
  EXPECT_EQ(handler_.left, 2);
}

}  // namespace
}  // namespace podium::net
