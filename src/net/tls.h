// TLS 1.2 and later towards servers, by OpenSSL. No I/O of its own: a step is tried, and says what
// to wait for on the socket before it is tried again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/address.h"

// Of OpenSSL, whose headers stay out of ours.
struct ssl_ctx_st;
struct ssl_st;
struct ssl_session_st;
struct x509_store_st;

namespace podium::net {

class TlsStream;

/// Whose certificates are believed. Loading costs about 50 ms and 1 MB: once, for all cores.
/// Threads: any.
class TlsTrust {
 public:
  /// `ca_file` is PEM; empty: the certificates that the system trusts. Error: kInvalidArgument when
  /// the file cannot be used.
  static Result<std::shared_ptr<const TlsTrust>> Load(const std::string& ca_file);

 private:
  friend class TlsClient;
  struct FreeStore {
    void operator()(x509_store_st* store) const;
  };
  TlsTrust();
  std::unique_ptr<x509_store_st, FreeStore> store_;
};

/// What connections to servers share: whom to trust, and sessions to resume.
/// Threads: one executor. Outlives its streams.
class TlsClient {
 public:
  explicit TlsClient(const TlsTrust& trust);
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  /// A stream over a connected socket that does not block. The certificate must be for
  /// `server.host`, a name or an address. The socket outlives the stream.
  std::unique_ptr<TlsStream> Open(int socket, const HostPort& server);

 private:
  friend class TlsStream;
  struct FreeContext {
    void operator()(ssl_ctx_st* context) const;
  };
  struct FreeSession {
    void operator()(ssl_session_st* session) const;
  };
  static int NewSession(ssl_st* ssl, ssl_session_st* session);

  std::unique_ptr<ssl_ctx_st, FreeContext> context_;
  /// The last of each server; at most limits::kMaxUpstreamOrigins.
  std::map<std::string, std::unique_ptr<ssl_session_st, FreeSession>> sessions_;
};

/// Threads: those of its TlsClient.
class TlsStream {
 public:
  enum class Wait : std::uint8_t {
    kNothing,  ///< Done.
    kRead,     ///< Again once the socket can be read.
    kWrite,    ///< Again once it can be written.
    kEnd,      ///< The peer has said that it is done.
    kFailed,   ///< fault() says why; the stream is of no more use.
  };
  struct Step {
    Wait wait = Wait::kNothing;
    std::size_t bytes = 0;
  };

  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  Step Handshake();
  /// Up to `capacity` bytes. An end of the connection that the peer has not announced is a failure:
  /// anybody on the way could have caused it.
  Step Read(char* buffer, std::size_t capacity);
  /// A part of `text`, perhaps all.
  Step Write(std::string_view text);

  const std::string& fault() const { return fault_; }
  bool resumed() const;

 private:
  friend class TlsClient;
  struct FreeSsl {
    void operator()(ssl_st* ssl) const;
  };
  TlsStream(TlsClient& client, int socket, std::string key);
  Step Outcome(int result, std::size_t bytes);
  void Explain();

  TlsClient& client_;
  int socket_;
  const std::string key_;  // Of its session.
  std::string fault_;
  std::unique_ptr<ssl_st, FreeSsl> ssl_;
};

}  // namespace podium::net
