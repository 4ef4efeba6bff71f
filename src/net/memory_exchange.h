// An exchange without a connection: how handlers are tested, and called from within the process.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "net/handler.h"

namespace podium::net {

class MemoryExchange final : public Exchange {
 public:
  struct Peer {
    std::string address = "127.0.0.1";
    bool is_loopback = true;
    std::size_t core = 0;
    SteadyTime received{};
  };
  /// `request` as it would come over the wire, whole and valid:
  /// "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}".
  explicit MemoryExchange(std::string request);
  MemoryExchange(std::string request, Peer peer);
  /// A request with `body`; adds Host, and Content-Length. `headers` are lines with their CRLF.
  static std::string Text(std::string_view method, std::string_view target,
                          std::string_view body = {}, std::string_view headers = {});

  std::optional<Result<std::string_view>> TryBody(std::size_t limit) override;
  Task<Result<std::string_view>> ReadBody(std::size_t limit) override;
  Task<Result<std::string_view>> ReadSome(std::uint64_t total_limit) override;
  void WatchCaller(std::function<void()> left) override;

  /// The body has not arrived yet: TryBody does not know it, and ReadBody calls `meanwhile` before
  /// it has it.
  void ComeLate(std::function<void()> meanwhile) { meanwhile_ = std::move(meanwhile); }

  /// The caller leaves: whoever watches is told before this returns, whoever will from within
  /// WatchCaller. REQUIRES: on the core of the handler.
  void Leave();
  bool watched() const { return left_ != nullptr; }

 private:
  std::string request_;
  Peer peer_;
  std::string body_;  // With kBodyPadding bytes behind body_bytes_.
  std::size_t body_bytes_ = 0;
  bool handed_out_ = false;
  std::function<void()> meanwhile_;
  std::function<void()> left_;
  bool gone_ = false;
};

}  // namespace podium::net
