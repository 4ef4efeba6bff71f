// Calls by TLS, against certificates made here.
#include <gmock/gmock.h>

#include <fstream>

#include "net/certificate_fixture.h"
#include "net/upstream_test_fixture.h"
#include "testing/temp_dir.h"

namespace podium::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;

class UpstreamTlsTest : public UpstreamTest {
 protected:
  UpstreamTlsTest() {
    ca_.Save(dir_ / "ca.pem");
    options_.trust = *TlsTrust::Load(dir_ / "ca.pem");
  }
  void Serve(const CertificateRequest& wanted) {
    certificate_ = MakeCertificate(wanted);
    context_of_server_ = ServerTls(certificate_);
    server_tls_ = context_of_server_.get();
  }
  void ServeGood() { Serve({.alternatives = "DNS:up.example,IP:127.0.0.1", .issuer = &ca_}); }
  /// Why a call does not come about.
  Error Refusal(const Origin& origin) {
    const std::size_t call = Begin(origin, Post());
    const auto peer = Accept();
    while (!answered(call)) {
      if (!peer->ReceiveSome()) break;
    }
    const auto answer = Finish(call);
    EXPECT_FALSE(answer);
    return answer ? Error{} : answer.error();
  }

  const testing::TempDir dir_;
  const Certificate ca_ = MakeCertificate({.name = "Test CA", .authority = true});
  UpstreamPoolOptions options_;
  Certificate certificate_;
  OpenSslPtr<SSL_CTX> context_of_server_;
};

TEST_F(UpstreamTlsTest, SpeaksToWhomTheCertificateNames) {
  ServeGood();
  Start(options_);
  for (const char* host : {"up.example", "127.0.0.1"}) {
    SCOPED_TRACE(host);
    const std::size_t call = Begin(Here(host), Post("{\"a\":1}"));
    const auto peer = Accept();
    EXPECT_THAT(peer->Receive(), AllOf(HasSubstr("POST /v1/x?y=1 HTTP/1.1\r\nHost: "),
                                       ::testing::EndsWith("{\"a\":1}")));
    EXPECT_EQ(peer->server_name(), host == std::string("up.example") ? host : "");
    peer->Send(kOk);
    {
      auto answer = Finish(call);
      ASSERT_TRUE(answer) << answer.error().message;
      EXPECT_EQ(ReadAll(**answer), "ok");
    }
    // Kept, also past the look that a long rest asks for.
    Pass(kTrustedIdle);
    EXPECT_EQ(pool_->idle_connections(Here(host)), 1u);
    const std::size_t again = Begin(Here(host), Post());
    (void)peer->Receive();
    peer->Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    auto answer = Finish(again);
    ASSERT_TRUE(answer);
    peer->Send("5\r\nhello\r\n");
    EXPECT_EQ(*Read(**answer), "hello");
    peer->Send("0\r\n\r\n");
    EXPECT_EQ(ReadAll(**answer), "");
  }
}

TEST_F(UpstreamTlsTest, RefusesWhomItCannotBelieve) {
  const Certificate stranger = MakeCertificate({.name = "Stranger", .authority = true});
  struct Case {
    const char* name;
    CertificateRequest certificate;
    const char* host;
    const char* why;
  };
  const std::string names = "DNS:up.example,IP:127.0.0.1";
  const std::chrono::hours day{24};
  const Case cases[] = {
      {"another host", {"x", "DNS:other.example", day, &ca_}, "up.example", "hostname mismatch"},
      {"another address", {"x", "IP:127.0.0.9", day, &ca_}, "127.0.0.1", "IP address mismatch"},
      {"name for an address", {"x", "DNS:127.0.0.1", day, &ca_}, "127.0.0.1", "mismatch"},
      {"part of a label", {"x", "DNS:u*.example", day, &ca_}, "up.example", "hostname mismatch"},
      {"expired", {"x", names, -day, &ca_}, "up.example", "certificate has expired"},
      {"by itself", {"x", names, day, nullptr}, "up.example", "self-signed certificate"},
      {"by a stranger", {"x", names, day, &stranger}, "up.example", "issuer certificate"},
  };
  Start(options_);
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Serve(c.certificate);
    const Error refusal = Refusal(Here(c.host));
    EXPECT_EQ(refusal.code, ErrorCode::kUnavailable);
    EXPECT_EQ(PhaseOf(refusal), UpstreamPhase::kConnect) << "nothing was sent";
    EXPECT_THAT(refusal.message, AllOf(HasSubstr(c.host), HasSubstr(c.why),
                                       HasSubstr("certificate is not accepted")));
    EXPECT_EQ(pool_->connections(Here(c.host)), 0u);
  }
}

TEST_F(UpstreamTlsTest, SystemTrustsOthers) {
  ServeGood();
  const auto system = TlsTrust::Load("");
  ASSERT_TRUE(system) << system.error().message;
  options_.trust = *system;
  Start(options_);
  EXPECT_THAT(Refusal(Here("up.example")).message, HasSubstr("certificate is not accepted"));
}

TEST_F(UpstreamTlsTest, WithoutTrustNothingIsSent) {
  ServeGood();
  Start();
  const auto answer = Finish(Begin(Here("up.example"), Post()));
  ASSERT_FALSE(answer);
  EXPECT_EQ(PhaseOf(answer.error()), UpstreamPhase::kUnsent);
  EXPECT_TRUE(IsOurs(answer.error()));
  EXPECT_THAT(answer.error().message, HasSubstr("TLS is not set up"));
}

TEST_F(UpstreamTlsTest, OldProtocolsAreRefused) {
  ServeGood();
  SSL_CTX_ctrl(server_tls_, SSL_CTRL_SET_MAX_PROTO_VERSION, TLS1_1_VERSION, nullptr);
  SSL_CTX_set_security_level(server_tls_, 0);
  Start(options_);
  EXPECT_THAT(Refusal(Here("up.example")).message, HasSubstr("TLS: "));
}

TEST_F(UpstreamTlsTest, PlainServersAreNotSpokenTo) {
  ServeGood();
  const Origin secure = Here("up.example");
  server_tls_ = nullptr;
  Start(options_);
  const std::size_t call = Begin(secure, Post());
  const auto peer = Accept();
  ASSERT_TRUE(peer->ReceiveSome());
  peer->Send("HTTP/1.1 400 Bad Request\r\n\r\n");
  const auto answer = Finish(call);
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().message, HasSubstr("no secure connection to up.example:"));
  EXPECT_EQ(PhaseOf(answer.error()), UpstreamPhase::kConnect);
}

// A full handshake costs three times a resumed one.
TEST_F(UpstreamTlsTest, SessionsAreResumed) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    SCOPED_TRACE(version);
    ServeGood();
    SSL_CTX_ctrl(server_tls_, SSL_CTRL_SET_MAX_PROTO_VERSION, version, nullptr);
    auto pool = std::exchange(pool_, nullptr);
    if (pool) {
      calls_.Spawn(pool->Stop());
      while (calls_.size() > 0) context_.poll();
    }
    Start(options_);
    for (const bool resumed : {false, true, true}) {
      const std::size_t call = Begin(Here("up.example"), Post());
      const auto peer = Accept();
      (void)peer->Receive();
      peer->Send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
      ASSERT_TRUE(Finish(call));
      EXPECT_EQ(peer->resumed(), resumed);
    }
  }
}

// Anybody on the way could end a connection: only an end that the server has signed is one.
TEST_F(UpstreamTlsTest, UnannouncedEndIsACut) {
  ServeGood();
  Start(options_);
  for (const bool announced : {true, false}) {
    const std::size_t call = Begin(Here("up.example"), Post());
    const auto peer = Accept();
    (void)peer->Receive();
    peer->Send("HTTP/1.1 200 OK\r\n\r\nhello");
    auto answer = Finish(call);
    ASSERT_TRUE(answer);
    if (announced) peer->SayEnd();
    peer->Close();
    EXPECT_EQ(ReadAll(**answer), announced ? "hello" : "hello|body");
  }
}

// A body that HTTP says is whole needs no other end: many servers just close.
TEST_F(UpstreamTlsTest, WholeBodiesNeedNoAnnouncement) {
  ServeGood();
  Start(options_);
  struct Case {
    const char* head;
    const char* body;
    const char* read;
  };
  const Case cases[] = {
      {"Content-Length: 5\r\n\r\n", "hello", "hello"},
      {"Content-Length: 0\r\n\r\n", "", ""},
      {"Transfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n", "hello"},
      {"Transfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n", "hello|body"},
      {"Content-Length: 6\r\n\r\n", "hello", "hello|body"},
  };
  for (const Case& c : cases) {
    for (const bool at_once : {true, false}) {
      SCOPED_TRACE(fmt::format("{}{} {}", c.head, c.body, at_once));
      const std::size_t call = Begin(Here("up.example"), Post());
      const auto peer = Accept();
      (void)peer->Receive();
      const std::string head = std::string("HTTP/1.1 200 OK\r\n") + c.head;
      peer->Send(at_once ? head + c.body : head);
      if (at_once) peer->Close();
      auto answer = Finish(call);
      ASSERT_TRUE(answer) << answer.error().message;
      if (!at_once) peer->Send(c.body);
      peer->Close();
      EXPECT_EQ(ReadAll(**answer), c.read);
      EXPECT_TRUE(Read(**answer).has_value() ==
                  (std::string_view(c.read).find('|') == std::string_view::npos));
      answer->reset();
      Pass(kTrustedIdle);
      EXPECT_EQ(pool_->connections(Here("up.example")), 0u);
    }
  }
}

// The handshake is a wait as any other.
TEST_F(UpstreamTlsTest, HandshakeCanBeCancelled) {
  ServeGood();
  const Origin secure = Here("up.example");
  server_tls_ = nullptr;  // Somebody accepts and says nothing.
  Start(options_);
  for (const bool by_task : {false, true}) {
    SendCancel cancel;
    UpstreamRequest request = Post();
    request.cancel = &cancel;
    const std::size_t call = Begin(secure, request);
    const auto peer = Accept();
    ASSERT_TRUE(peer->ReceiveSome());
    if (by_task) {
      calls_.Cancel();
    } else {
      cancel.Cancel();
    }
    const auto answer = Finish(call);
    ASSERT_FALSE(answer);
    EXPECT_TRUE(WasCancelled(answer.error()));
    EXPECT_EQ(PhaseOf(answer.error()), UpstreamPhase::kConnect);
    EXPECT_EQ(pool_->connections(secure), 0u);
  }
}

TEST_F(UpstreamTlsTest, LargeBodiesBothWays) {
  ServeGood();
  Start(options_);
  const std::string up(1'000'000, 'u');
  const std::size_t call = Begin(Here("up.example"), Post(up));
  const auto peer = Accept();
  EXPECT_THAT(peer->Receive(), ::testing::EndsWith(up));
  peer->Send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
  auto answer = Finish(call);
  ASSERT_TRUE(answer);
  std::string body;
  for (std::string_view rest = up; body.size() < up.size();) {
    const auto sent = peer->SendSome(rest);
    ASSERT_GE(sent, 0);
    rest.remove_prefix(static_cast<std::size_t>(sent));
    if (sent == 0 || rest.empty()) {
      const auto piece = Read(**answer);
      ASSERT_TRUE(piece) << piece.error().message;
      body += *piece;
    }
  }
  EXPECT_TRUE(body == up);
  EXPECT_EQ(pool_->idle_connections(Here("up.example")), 1u);
}

TEST_F(UpstreamTlsTest, HandshakeHasTheDeadlineOfConnecting) {
  ServeGood();
  const Origin secure = Here("up.example");
  server_tls_ = nullptr;  // Somebody accepts and says nothing.
  Start(options_);
  UpstreamRequest request = Post();
  request.timeouts.connect = seconds(2);
  const std::size_t call = Begin(secure, request);
  const auto peer = Accept();
  ASSERT_TRUE(peer->ReceiveSome());
  Pass(seconds(2) - milliseconds(1));
  EXPECT_FALSE(answered(call));
  Pass(milliseconds(1));
  const auto answer = Finish(call);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kDeadline);
  EXPECT_EQ(PhaseOf(answer.error()), UpstreamPhase::kConnect);
}

TEST_F(UpstreamTlsTest, CaFileMustBeOne) {
  std::ofstream(dir_ / "not.pem") << "not a certificate\n";
  for (const char* name : {"missing.pem", "not.pem"}) {
    const auto trust = TlsTrust::Load(dir_ / name);
    ASSERT_FALSE(trust);
    EXPECT_EQ(trust.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(trust.error().message, HasSubstr(name));
  }
}

}  // namespace
}  // namespace podium::net
