#include "net/name_resolver.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <tuple>
#include <utility>

namespace podium::net {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Resolver = asio::ip::basic_resolver<asio::ip::tcp, Executor>;
using Found = Resolver::results_type;

/// One wait for an answer, which the answer or whoever abandons it ends: the first counts.
template <typename Handler>
struct Wait {
  Wait(const Executor& executor, Handler handler)
      : loop(executor), handler(std::make_unique<Handler>(std::move(handler))) {}

  void End(error_code error, Found found) {
    if (!handler) return;
    auto resume = [waiter = std::move(handler), error, answer = std::move(found)]() mutable {
      std::move (*waiter)(error, std::move(answer));
    };
    asio::post(loop, std::move(resume));
  }

  Executor loop;
  std::unique_ptr<Handler> handler;
};

Task<std::pair<error_code, Found>> Ask(Resolver& resolver, const Executor& executor,
                                       std::string host, std::function<void()>& abandon) {
  error_code error;
  Found found;
  auto start = [&](auto handler) {
    auto slot = asio::get_associated_cancellation_slot(handler);
    auto wait = std::make_shared<Wait<decltype(handler)>>(executor, std::move(handler));
    auto give_up = [wait] { wait->End(asio::error::operation_aborted, {}); };
    abandon = give_up;
    if (slot.is_connected()) slot.assign([give_up](asio::cancellation_type) { give_up(); });
    resolver.async_resolve(host, "", [wait](error_code failed, Found answer) {
      wait->End(failed, std::move(answer));
    });
  };
  using Token = asio::as_tuple_t<asio::use_awaitable_t<Executor>>;
  auto pending = asio::async_initiate<const Token, void(error_code, Found)>(std::move(start),
                                                                            asio::as_tuple(kAwait));
  std::tie(error, found) = co_await std::move(pending);
  abandon = nullptr;
  co_return std::pair(error, std::move(found));
}

}  // namespace

class SystemResolver::Impl {
 public:
  explicit Impl(const Executor& executor) : executor_(executor), resolver_(executor) {}

  Task<Result<Addresses>> Resolve(std::string host, std::function<void()>& abandon) {
    error_code error;
    const auto address = asio::ip::make_address(host, error);
    if (!error) co_return Addresses{address};
    if (host == "localhost") {
      co_return Addresses{asio::ip::address_v4::loopback(), asio::ip::address_v6::loopback()};
    }
    auto asking = Ask(resolver_, executor_, host, abandon);
    const auto [failed, found] = co_await std::move(asking);
    if (failed) {
      co_return Fail(ErrorCode::kUnavailable, "cannot find the host {}: {}", host,
                     failed.message());
    }
    Addresses addresses;
    for (const auto& entry : found) addresses.push_back(entry.endpoint().address());
    co_return addresses;
  }

 private:
  const Executor executor_;
  Resolver resolver_;
};

SystemResolver::SystemResolver(const Executor& executor)
    : impl_(std::make_unique<Impl>(executor)) {}
SystemResolver::~SystemResolver() = default;

Task<Result<Addresses>> SystemResolver::Resolve(std::string host, std::function<void()>& abandon) {
  return impl_->Resolve(std::move(host), abandon);
}

}  // namespace podium::net
