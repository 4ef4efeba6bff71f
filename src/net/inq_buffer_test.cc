#include "net/inq_buffer.h"

#include <gmock/gmock.h>

#include <array>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <string>
#include <string_view>

namespace podium::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

InqBuffer Asked(char* data, std::size_t size) { return {data, size}; }
InqBuffer Unasked(char* data, std::size_t size) {
  InqBuffer buffer(data, size);
  buffer.short_is_all = true;
  return buffer;
}
asio::mutable_buffer Ordinary(char* data, std::size_t size) { return {data, size}; }

/// A caller, and the server's side of its connection, whose listening socket was asked for TCP_INQ.
class InqBufferTest : public ::testing::Test {
 protected:
  InqBufferTest() {
    tcp::acceptor acceptor(context_, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    AskForInq(acceptor.native_handle());
    caller_.connect(acceptor.local_endpoint());
    acceptor.accept(server_);
  }

  void Say(std::string_view text) { asio::write(caller_, asio::buffer(text)); }

  /// Begins a read of the next `capacity` bytes at most; notes what comes of it.
  template <auto buffer = Asked>
  void BeginRead(std::size_t capacity) {
    server_.async_read_some(
        buffer(space_.data(), capacity), [this](error_code error, std::size_t bytes) {
          heard_ += error ? "(" + error.message() + ")" : std::string(space_.data(), bytes);
        });
  }
  /// Runs until nothing is left to do: a read that waits for what does not come is a failure.
  void Run() {
    context_.restart();
    context_.run_for(std::chrono::seconds(30));
    EXPECT_TRUE(context_.stopped()) << "a read waits for ever";
  }
  template <auto buffer = Asked>
  std::string Read(std::size_t capacity) {
    heard_.clear();
    BeginRead<buffer>(capacity);
    Run();
    return heard_;
  }

  asio::io_context context_{1};
  tcp::socket caller_{context_};
  tcp::socket server_{context_};
  std::array<char, 64> space_{};
  std::string heard_;
};

/// Whether a read that is begun when its bytes have come is tried before what is queued already.
template <auto buffer>
std::string OrderAfterAFirstRead(asio::io_context& context, tcp::socket& from, tcp::socket& to) {
  std::array<char, 8> space{};
  std::string order;
  asio::write(from, asio::buffer("a", 1));
  to.async_read_some(buffer(space.data(), space.size()), [](error_code, std::size_t) {});
  context.run_for(std::chrono::seconds(30));
  asio::write(from, asio::buffer("b", 1));
  to.async_read_some(buffer(space.data(), space.size()),
                     [&order](error_code, std::size_t) { order += "read "; });
  asio::post(context, [&order] { order += "posted "; });
  context.restart();
  context.run_for(std::chrono::seconds(30));
  return order;
}

TEST_F(InqBufferTest, WaitsAtOnceAfterAReadThatEmptiedTheSocket) {
  EXPECT_EQ(OrderAfterAFirstRead<Asked>(context_, caller_, server_), "posted read ");
}

TEST_F(InqBufferTest, AnOrdinaryBufferTriesFirst) {
  EXPECT_EQ(OrderAfterAFirstRead<Ordinary>(context_, caller_, server_), "read posted ");
}

TEST_F(InqBufferTest, WaitsAtOnceAfterAReadThatDidNotFillItsBuffer) {
  EXPECT_EQ(OrderAfterAFirstRead<Unasked>(context_, caller_, server_), "posted read ");
}

TEST_F(InqBufferTest, ReadsOnWithoutAskingAfterWhatFilledItsBuffer) {
  Say("abcd");
  EXPECT_EQ(Read<Unasked>(2), "ab");
  EXPECT_EQ(Read<Unasked>(2), "cd");
  BeginRead<Unasked>(2);
  Say("e");
  Run();
  EXPECT_EQ(heard_, "cde");
}

TEST_F(InqBufferTest, WithoutAskingALookFindsTheEndThatCameWithTheLastBytes) {
  BeginRead<Unasked>(64);
  context_.poll();
  Say("ab");
  caller_.shutdown(tcp::socket::shutdown_send);
  context_.restart();
  context_.poll();
  ASSERT_EQ(heard_, "ab");
  BeginRead<Unasked>(64);
  context_.restart();
  context_.poll();
  EXPECT_EQ(heard_, "ab") << "it waits";
  LookForEnd(server_);
  context_.restart();
  while (heard_ == "ab" && context_.run_one_for(std::chrono::seconds(30)) > 0) continue;
  EXPECT_EQ(heard_, "ab(End of file)");
}

TEST_F(InqBufferTest, ReadsWhatDidNotFit) {
  Say("abcde");
  EXPECT_EQ(Read(2), "ab");
  EXPECT_EQ(Read(2), "cd");
  EXPECT_EQ(Read(2), "e");
}

TEST_F(InqBufferTest, ReadsWhatFitsExactlyAndThenWhatComesLater) {
  Say("ab");
  EXPECT_EQ(Read(2), "ab");
  BeginRead(2);
  context_.restart();
  context_.poll();
  EXPECT_EQ(heard_, "ab") << "there is nothing yet";
  Say("cd");
  Run();
  EXPECT_EQ(heard_, "abcd");
}

TEST_F(InqBufferTest, FindsTheEndThatCameWithTheLastBytes) {
  Say("ab");
  caller_.close();
  EXPECT_EQ(Read(64), "ab");
  EXPECT_EQ(Read(64), "(End of file)");
  EXPECT_EQ(Read(64), "(End of file)");
}

TEST_F(InqBufferTest, FindsTheEndThatComesLater) {
  Say("ab");
  EXPECT_EQ(Read(64), "ab");
  caller_.close();
  EXPECT_EQ(Read(64), "(End of file)");
}

TEST_F(InqBufferTest, FindsAReset) {
  Say("ab");
  EXPECT_EQ(Read(64), "ab");
  caller_.set_option(asio::socket_base::linger(true, 0));
  caller_.close();
  EXPECT_EQ(Read(64), "(Connection reset by peer)");
}

// What ends a connection besides an end that the peer meant is told of with the bytes before it,
// and not again: a look finds it.
class LookForEndTest : public InqBufferTest, public ::testing::WithParamInterface<const char*> {
 protected:
  void End() {
    const std::string_view how = GetParam();
    if (how == "reset") {
      caller_.set_option(asio::socket_base::linger(true, 0));
      caller_.close();
    } else if (how == "closed over unread bytes") {
      asio::write(server_, asio::buffer("x", 1));
      caller_.close();
    } else {
      server_.shutdown(tcp::socket::shutdown_both);
    }
  }
};

TEST_P(LookForEndTest, FindsWhatCameWithTheLastBytes) {
  BeginRead(64);
  context_.poll();  // It waits: all that follows comes in one notice of the kernel's.
  Say("ab");
  End();
  context_.restart();
  context_.poll();
  ASSERT_EQ(heard_, "ab");
  BeginRead(64);
  context_.restart();
  context_.poll();
  LookForEnd(server_);
  Run();
  EXPECT_THAT(heard_, ::testing::AnyOf("ab(Connection reset by peer)", "ab(End of file)"));
  EXPECT_EQ(heard_ == "ab(End of file)", std::string_view(GetParam()) == "shut down here");
}
INSTANTIATE_TEST_SUITE_P(Ends, LookForEndTest,
                         ::testing::Values("reset", "closed over unread bytes", "shut down here"));

TEST_F(InqBufferTest, ALookAtAnOpenConnectionChangesNothing) {
  BeginRead(64);
  LookForEnd(server_);
  context_.poll();
  EXPECT_EQ(heard_, "");
  Say("ab");
  Run();
  EXPECT_EQ(heard_, "ab");
}

TEST(QuietRead, IsLookedAtOnceAtItsSecondSweep) {
  QuietRead read;
  EXPECT_FALSE(read.Sweep()) << "nothing is read";
  for (int again = 0; again < 2; ++again) {
    read.Begin();
    EXPECT_FALSE(read.Sweep());
    EXPECT_TRUE(read.Sweep());
    for (int i = 0; i < 600; ++i) EXPECT_FALSE(read.Sweep());
  }
  read.Begin();
  EXPECT_FALSE(read.Sweep());
  read.End();
  EXPECT_FALSE(read.Sweep());
}

TEST_F(InqBufferTest, ACancelledReadLosesNothing) {
  Say("ab");
  EXPECT_EQ(Read(64), "ab");
  BeginRead(64);
  server_.cancel();
  Run();
  EXPECT_EQ(heard_, "ab(Operation canceled)");
  Say("cd");
  EXPECT_EQ(Read(64), "cd");
}

TEST_F(InqBufferTest, ReadsASocketThatCannotSayWhatItHolds) {
  asio::local::stream_protocol::socket from(context_);
  asio::local::stream_protocol::socket to(context_);
  asio::local::connect_pair(from, to);
  AskForInq(to.native_handle());
  asio::write(from, asio::buffer("abcd", 4));
  for (const std::string_view expected : {"ab", "cd"}) {
    to.async_read_some(InqBuffer(space_.data(), 2), [&](error_code error, std::size_t bytes) {
      EXPECT_FALSE(error);
      EXPECT_EQ(std::string_view(space_.data(), bytes), expected);
    });
    Run();
  }
}

}  // namespace
}  // namespace podium::net
