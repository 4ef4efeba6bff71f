#include "net/memory_exchange.h"

#include <fmt/format.h>

#include <utility>

#include "base/assert.h"
#include "net/http_body.h"
#include "net/http_parser.h"

namespace podium::net {

MemoryExchange::MemoryExchange(std::string request) : MemoryExchange(std::move(request), Peer{}) {}

MemoryExchange::MemoryExchange(std::string request, Peer peer)
    : request_(std::move(request)), peer_(std::move(peer)) {
  const ParseOutcome outcome = ParseRequestHead(request_, head_);
  PODIUM_ASSERT(outcome.state == ParseState::kComplete);
  received_ = peer_.received;
  peer_address_ = peer_.address;
  peer_is_loopback_ = peer_.is_loopback;
  core_ = peer_.core;

  BodyFraming framing(head_);
  std::string_view rest = std::string_view(request_).substr(outcome.consumed);
  while (!framing.done()) {
    const BodyFraming::Step step = framing.Next(rest);
    PODIUM_ASSERT(!step.failed && step.consumed > 0);
    body_.append(step.piece);
    rest.remove_prefix(step.consumed);
  }
  body_bytes_ = body_.size();
  body_.resize(body_bytes_ + kBodyPadding);
}

std::string MemoryExchange::Text(std::string_view method, std::string_view target,
                                 std::string_view body, std::string_view headers) {
  return fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n{}\r\n{}", method,
                     target, body.size(), headers, body);
}

std::optional<Result<std::string_view>> MemoryExchange::TryBody(std::size_t limit) {
  if (body_bytes_ > limit) {
    return Fail(ErrorCode::kTooLarge, "the body is larger than the limit of {} bytes", limit);
  }
  if (meanwhile_) return std::nullopt;
  return std::string_view(body_).substr(0, body_bytes_);
}

Task<Result<std::string_view>> MemoryExchange::ReadBody(std::size_t limit) {
  if (auto known = TryBody(limit)) co_return *std::move(known);
  std::exchange(meanwhile_, {})();
  co_return *TryBody(limit);
}

Task<Result<std::string_view>> MemoryExchange::ReadSome(std::uint64_t total_limit) {
  if (std::exchange(handed_out_, true)) co_return std::string_view{};
  co_return *TryBody(static_cast<std::size_t>(total_limit));
}

void MemoryExchange::WatchCaller(std::function<void()> left) {
  left_ = std::move(left);
  if (gone_) Leave();
}

void MemoryExchange::Leave() {
  gone_ = true;
  const auto left = std::exchange(left_, nullptr);
  if (left) left();
}

}  // namespace podium::net
