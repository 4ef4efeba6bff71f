#include "net/name_resolver.h"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/post.hpp>
#include <optional>
#include <utility>

namespace podium::net {
namespace {

namespace asio = boost::asio;

}  // namespace

/// One wait for an answer, which the answer or whoever abandons it ends: the first counts.
/// Threads: the loop's, but for Post.
class SystemResolver::Wait final : public std::enable_shared_from_this<Wait> {
 public:
  explicit Wait(Executor loop) : loop_(std::move(loop)) {}

  /// From any thread, while the one who waits does.
  void Post(const Result<Addresses>& found) {
    asio::post(loop_, [self = shared_from_this(), found] {
      if (!self->resume_) return;
      self->found_ = found;
      std::exchange(self->resume_, nullptr)();
    });
  }
  void GiveUp() {
    if (resume_) asio::post(loop_, std::exchange(resume_, nullptr));
  }
  /// What Post brought; nullopt after GiveUp.
  Task<void> Done(std::function<void()>& abandon) {
    auto start = [self = shared_from_this(), &abandon](auto handler) {
      auto slot = asio::get_associated_cancellation_slot(handler);
      auto resume = std::make_shared<decltype(handler)>(std::move(handler));
      self->resume_ = [resume] { (*resume)(); };
      abandon = [self] { self->GiveUp(); };
      if (slot.is_connected()) slot.assign([self](asio::cancellation_type) { self->GiveUp(); });
    };
    auto pending = asio::async_initiate<const asio::use_awaitable_t<Executor>, void()>(
        std::move(start), kAwait);
    co_await std::move(pending);
    abandon = nullptr;
  }
  const std::optional<Result<Addresses>>& found() const { return found_; }

 private:
  const Executor loop_;
  std::function<void()> resume_;
  std::optional<Result<Addresses>> found_;
};

SystemResolver::SystemResolver(Executor executor, std::shared_ptr<NameLookups> lookups)
    : executor_(std::move(executor)), lookups_(std::move(lookups)) {}
SystemResolver::~SystemResolver() = default;

Task<Result<Addresses>> SystemResolver::Resolve(std::string host, std::function<void()>& abandon) {
  boost::system::error_code error;
  const auto address = asio::ip::make_address(host, error);
  if (!error) co_return Addresses{address};
  if (host == "localhost") {
    co_return Addresses{asio::ip::address_v4::loopback(), asio::ip::address_v6::loopback()};
  }
  auto asking = Ask(host, abandon);
  co_return co_await std::move(asking);
}

Task<Result<Addresses>> SystemResolver::Ask(const std::string& host,
                                            std::function<void()>& abandon) {
  const auto wait = std::make_shared<Wait>(executor_);
  auto done = [wait](const Result<Addresses>& found) { wait->Post(found); };
  const NameLookups::Asked asked = lookups_->Ask(host, std::move(done));
  if (asked.known) co_return *asked.known;
  // The answer comes by the loop, so not before somebody waits for it.
  auto waiting = wait->Done(abandon);
  co_await std::move(waiting);
  if (wait->found()) co_return *wait->found();
  lookups_->Forget(host, asked.ticket);  // Now the loop may go.
  co_return Fail(ErrorCode::kUnavailable, "the lookup of the host {} was given up", host);
}

}  // namespace podium::net
