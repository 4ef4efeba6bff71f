#include "net/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <boost/asio/ip/address.hpp>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/assert.h"
#include "base/limits.h"

namespace podium::net {
namespace {

// OpenSSL's own socket BIO writes without MSG_NOSIGNAL: a peer that has left would end the process.

int Transferred(BIO* bio, ssize_t bytes, void (*wait)(BIO*)) {
  BIO_clear_flags(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY);
  if (bytes < 0 && (errno == EAGAIN || errno == EINTR)) wait(bio);
  return static_cast<int>(bytes);
}

int SocketOf(BIO* bio) { return *static_cast<const int*>(BIO_get_data(bio)); }

int SendToSocket(BIO* bio, const char* bytes, int size) {
  const auto length = static_cast<std::size_t>(size);
  return Transferred(bio, ::send(SocketOf(bio), bytes, length, MSG_NOSIGNAL),
                     [](BIO* b) { BIO_set_flags(b, BIO_FLAGS_WRITE | BIO_FLAGS_SHOULD_RETRY); });
}

int ReceiveFromSocket(BIO* bio, char* bytes, int size) {
  const auto capacity = static_cast<std::size_t>(size);
  const ssize_t count = ::recv(SocketOf(bio), bytes, capacity, 0);
  if (count == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return Transferred(bio, count,
                     [](BIO* b) { BIO_set_flags(b, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY); });
}

long ControlSocket(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH) return 1;
  return command == BIO_CTRL_EOF && BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
}

const BIO_METHOD* SocketMethod() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    PODIUM_ASSERT(made != nullptr);
    BIO_meth_set_write(made, SendToSocket);
    BIO_meth_set_read(made, ReceiveFromSocket);
    BIO_meth_set_ctrl(made, ControlSocket);
    return made;
  }();
  return method;
}

int StreamIndex() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

bool IsAddress(const std::string& host) {
  boost::system::error_code error;
  boost::asio::ip::make_address(host, error);
  return !error;
}

std::string_view Reason(unsigned long code) {
  const char* reason = ERR_reason_error_string(code);
  return reason == nullptr ? "unknown error" : reason;
}

}  // namespace

void TlsTrust::FreeStore::operator()(x509_store_st* store) const { X509_STORE_free(store); }
void TlsClient::FreeContext::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }
void TlsClient::FreeSession::operator()(ssl_session_st* session) const {
  SSL_SESSION_free(session);
}
void TlsStream::FreeSsl::operator()(ssl_st* ssl) const { SSL_free(ssl); }

TlsTrust::TlsTrust() : store_(X509_STORE_new()) { PODIUM_ASSERT(store_ != nullptr); }

Result<std::shared_ptr<const TlsTrust>> TlsTrust::Load(const std::string& ca_file) {
  ERR_clear_error();
  std::shared_ptr<TlsTrust> trust(new TlsTrust());
  X509_STORE* store = trust->store_.get();
  const bool loaded = ca_file.empty() ? X509_STORE_set_default_paths(store) == 1
                                      : X509_STORE_load_file(store, ca_file.c_str()) == 1;
  if (loaded) return trust;
  return Fail(ErrorCode::kInvalidArgument,
              "'{}' cannot be used as a file of trusted certificates (PEM): {}", ca_file,
              Reason(ERR_peek_error()));
}

TlsClient::TlsClient(const TlsTrust& trust) : context_(SSL_CTX_new(TLS_client_method())) {
  SSL_CTX* context = context_.get();
  PODIUM_ASSERT(context != nullptr);
  SSL_CTX_set1_cert_store(context, trust.store_.get());
  SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION, nullptr);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  // A stream that waits gives OpenSSL's buffers back.
  SSL_CTX_ctrl(context, SSL_CTRL_MODE,
               SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                   SSL_MODE_RELEASE_BUFFERS,
               nullptr);
  SSL_CTX_set_read_ahead(context, 1);  // A record's header and body in one system call.
  SSL_CTX_ctrl(context, SSL_CTRL_SET_SESS_CACHE_MODE,
               SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL, nullptr);
  SSL_CTX_sess_set_new_cb(context, NewSession);
}

TlsClient::~TlsClient() = default;

/// Keeps what the server lets us resume by; in TLS 1.3 that comes after the handshake.
int TlsClient::NewSession(ssl_st* ssl, ssl_session_st* session) {
  const auto* stream = static_cast<const TlsStream*>(SSL_get_ex_data(ssl, StreamIndex()));
  auto& sessions = stream->client_.sessions_;
  const bool room =
      sessions.size() < limits::kMaxUpstreamOrigins || sessions.contains(stream->key_);
  if (!room) sessions.erase(sessions.begin());
  sessions[stream->key_].reset(session);
  return 1;  // It is ours now.
}

std::unique_ptr<TlsStream> TlsClient::Open(int socket, const HostPort& server) {
  std::unique_ptr<TlsStream> stream(new TlsStream(*this, socket, ToString(server)));
  SSL* ssl = stream->ssl_.get();
  bool named = false;
  if (IsAddress(server.host)) {
    named = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), server.host.c_str()) == 1;
  } else {
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    named = SSL_set1_host(ssl, server.host.c_str()) == 1 &&
            SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                     const_cast<char*>(server.host.c_str())) == 1;
  }
  if (!named) stream->fault_ = "the host's name is too long for TLS";
  const auto known = sessions_.find(stream->key_);
  if (known != sessions_.end()) SSL_set_session(ssl, known->second.get());
  return stream;
}

TlsStream::TlsStream(TlsClient& client, int socket, std::string key)
    : client_(client), socket_(socket), key_(std::move(key)), ssl_(SSL_new(client.context_.get())) {
  BIO* bio = BIO_new(SocketMethod());
  PODIUM_ASSERT(ssl_ != nullptr && bio != nullptr);
  BIO_set_data(bio, &socket_);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_ex_data(ssl_.get(), StreamIndex(), this);
  SSL_set_connect_state(ssl_.get());
}

TlsStream::~TlsStream() {
  // Otherwise OpenSSL takes the session for one that must not be resumed.
  SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

TlsStream::Step TlsStream::Handshake() {
  if (!fault_.empty()) return {Wait::kFailed, 0};
  ERR_clear_error();
  return Outcome(SSL_do_handshake(ssl_.get()), 0);
}

TlsStream::Step TlsStream::Read(char* buffer, std::size_t capacity) {
  ERR_clear_error();
  std::size_t bytes = 0;
  const int result = SSL_read_ex(ssl_.get(), buffer, capacity, &bytes);
  return Outcome(result, bytes);
}

TlsStream::Step TlsStream::Write(std::string_view text) {
  ERR_clear_error();
  std::size_t bytes = 0;
  const int result = SSL_write_ex(ssl_.get(), text.data(), text.size(), &bytes);
  return Outcome(result, bytes);
}

bool TlsStream::resumed() const { return SSL_session_reused(ssl_.get()) == 1; }

TlsStream::Step TlsStream::Outcome(int result, std::size_t bytes) {
  if (result == 1) return {Wait::kNothing, bytes};
  const int system_error = errno;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return {Wait::kRead, 0};
    case SSL_ERROR_WANT_WRITE:
      return {Wait::kWrite, 0};
    case SSL_ERROR_ZERO_RETURN:
      return {Wait::kEnd, 0};
    case SSL_ERROR_SYSCALL:
      fault_ = std::generic_category().message(system_error);
      return {Wait::kFailed, 0};
    default:
      Explain();
      return {Wait::kFailed, 0};
  }
}

void TlsStream::Explain() {
  const long verified = SSL_get_verify_result(ssl_.get());
  if (verified != X509_V_OK) {
    fault_ =
        fmt::format("its certificate is not accepted: {}", X509_verify_cert_error_string(verified));
  } else {
    fault_ = fmt::format("TLS: {}", Reason(ERR_peek_error()));
  }
}

}  // namespace podium::net
