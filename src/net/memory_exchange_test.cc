#include "net/memory_exchange.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

namespace podium::net {
namespace {

Task<void> ReadPieces(MemoryExchange& exchange, std::string& all) {
  for (;;) {
    const auto piece = co_await exchange.ReadSome(100);
    if (!piece || piece->empty()) co_return;
    all += *piece;
  }
}

TEST(MemoryExchange, ShowsARequestAsTheServerWould) {
  MemoryExchange exchange(MemoryExchange::Text("POST", "/x?a=1", "{}", "x-b: c\r\n"));
  EXPECT_EQ(exchange.head().method, HttpMethod::kPost);
  EXPECT_EQ(exchange.head().path, "/x");
  EXPECT_EQ(exchange.head().query, "a=1");
  EXPECT_EQ(exchange.head().Find("X-B"), "c");
  EXPECT_TRUE(exchange.peer_is_loopback());
  EXPECT_EQ(**exchange.TryBody(2), "{}");
  const auto refused = exchange.TryBody(1);
  ASSERT_TRUE(refused && !*refused);
  EXPECT_EQ(refused->error().code, ErrorCode::kTooLarge);
}

TEST(MemoryExchange, GivesPiecesOnceAndKeepsThePeer) {
  MemoryExchange::Peer peer;
  peer.address = "10.0.0.1";
  peer.is_loopback = false;
  peer.core = 2;
  MemoryExchange exchange(
      "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
      "chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
      peer);
  EXPECT_EQ(exchange.peer_address(), "10.0.0.1");
  EXPECT_FALSE(exchange.peer_is_loopback());
  EXPECT_EQ(exchange.core(), 2u);
  boost::asio::io_context context(1);
  TaskGroup group(context.get_executor());
  std::string all;
  group.Spawn(ReadPieces(exchange, all));
  context.run();
  EXPECT_EQ(all, "abc");
}

TEST(MemoryExchange, TellsOnceThatTheCallerHasLeft) {
  MemoryExchange exchange(MemoryExchange::Text("POST", "/"));
  int first = 0;
  int second = 0;
  exchange.WatchCaller([&] { ++first; });
  exchange.WatchCaller([&] { ++second; });
  EXPECT_TRUE(exchange.watched());
  exchange.Leave();
  exchange.Leave();
  EXPECT_FALSE(exchange.watched());
  EXPECT_EQ(first, 0) << "replaced";
  EXPECT_EQ(second, 1);
  exchange.WatchCaller([&] { ++first; });
  EXPECT_EQ(first, 1) << "it has left already";
  MemoryExchange other(MemoryExchange::Text("POST", "/"));
  other.WatchCaller([&] { ++first; });
  other.WatchCaller({});
  other.Leave();
  EXPECT_EQ(first, 1);
}

}  // namespace
}  // namespace podium::net
