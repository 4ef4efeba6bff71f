#include "net/name_lookups.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "base/thread_priority.h"

namespace podium::net {
namespace {

namespace ip = boost::asio::ip;

std::optional<ip::address> AddressOf(const sockaddr& from) {
  if (from.sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &from, sizeof(v4));
    return ip::address_v4(ntohl(v4.sin_addr.s_addr));
  }
  if (from.sa_family != AF_INET6) return std::nullopt;
  sockaddr_in6 v6{};
  std::memcpy(&v6, &from, sizeof(v6));
  ip::address_v6::bytes_type bytes{};
  std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
  return ip::address_v6(bytes, v6.sin6_scope_id);
}

}  // namespace

Result<Addresses> LookUpBySystem(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* first = nullptr;
  const int failed = ::getaddrinfo(host.c_str(), nullptr, &hints, &first);
  if (failed != 0) {
    const int system_error = errno;
    return Fail(ErrorCode::kUnavailable, "cannot find the host {}: {}", host,
                failed == EAI_SYSTEM ? std::generic_category().message(system_error)
                                     : std::string(::gai_strerror(failed)));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(first, ::freeaddrinfo);
  Addresses addresses;
  for (const addrinfo* entry = first; entry != nullptr; entry = entry->ai_next) {
    if (const auto address = AddressOf(*entry->ai_addr)) addresses.push_back(*address);
  }
  if (!addresses.empty()) return addresses;
  return Fail(ErrorCode::kUnavailable, "cannot find the host {}: it has no address", host);
}

struct NameLookups::State {
  struct Host {
    bool begun = false;
    std::map<std::uint64_t, Done> waiting;    // By ticket.
    std::optional<Result<Addresses>> answer;  // Until then it waits, or is looked up.
    SteadyTime until{};                       // Of `answer`.
  };

  State(const Clock& from, LookUp by, std::size_t most)
      : clock(from), look_up(std::move(by)), max_threads(most) {}

  bool StartThread(const std::shared_ptr<State>& self);
  void RunFirst(std::unique_lock<std::mutex>& lock);
  void Answer(const std::string& host, Result<Addresses> found);
  void MakeRoom(SteadyTime now);

  const Clock& clock;  // Not touched once stopping.
  const LookUp look_up;
  const std::size_t max_threads;
  std::mutex mutex;
  std::condition_variable wake;
  // Protected by mutex:
  std::map<std::string, Host> hosts;
  std::deque<std::string> queue;  // Those that have not begun.
  std::uint64_t last_ticket = 0;
  std::size_t threads = 0;
  std::size_t idle = 0;  // Of them.
  bool stopping = false;
};

NameLookups::NameLookups(const Clock& clock, LookUp look_up, std::size_t threads)
    : state_(std::make_shared<State>(clock, std::move(look_up), threads)) {}

NameLookups::~NameLookups() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    state_->hosts.clear();
    state_->queue.clear();
  }
  state_->wake.notify_all();
}

NameLookups::Asked NameLookups::Ask(const std::string& host, Done done) {
  State& state = *state_;
  const std::lock_guard lock(state.mutex);
  auto at = state.hosts.find(host);
  if (at != state.hosts.end() && at->second.answer) {
    if (state.clock.SteadyNow() < at->second.until) return {at->second.answer, 0};
    state.hosts.erase(at);
    at = state.hosts.end();
  }
  if (at == state.hosts.end()) {
    const bool room = state.queue.size() < kMaxWaitingLookups;
    if (!room || !state.StartThread(state_)) {
      return {Fail(ErrorCode::kLimited, "too many hosts are being looked up: {} has to wait", host),
              0};
    }
    at = state.hosts.try_emplace(host).first;
    state.queue.push_back(host);
    state.wake.notify_one();
  }
  at->second.waiting.emplace(++state.last_ticket, std::move(done));
  return {std::nullopt, state.last_ticket};
}

void NameLookups::Forget(const std::string& host, std::uint64_t ticket) {
  const std::lock_guard lock(state_->mutex);
  const auto at = state_->hosts.find(host);
  if (at == state_->hosts.end() || at->second.waiting.erase(ticket) == 0) return;
  if (at->second.begun || !at->second.waiting.empty()) return;
  std::erase(state_->queue, host);
  state_->hosts.erase(at);
}

bool NameLookups::RunNext() {
  std::unique_lock lock(state_->mutex);
  if (state_->queue.empty()) return false;
  state_->RunFirst(lock);
  return true;
}

void NameLookups::Work(const std::shared_ptr<State>& state) {
  EnterThread("names", ThreadPriority::kLive);
  std::unique_lock lock(state->mutex);
  for (;;) {
    ++state->idle;
    state->wake.wait(lock, [&state] { return state->stopping || !state->queue.empty(); });
    --state->idle;
    if (state->stopping) return;
    state->RunFirst(lock);
  }
}

/// For one more lookup, unless one is idle or there are as many as there may be. False when nobody
/// is there to look it up.
bool NameLookups::State::StartThread(const std::shared_ptr<State>& self) {
  if (queue.size() < idle || threads == max_threads) return true;
  try {
    // Nobody can end a lookup, and nobody waits for it: hence no pool that is joined.
    std::thread thread([self] { Work(self); });
    thread.detach();
  } catch (const std::system_error&) {
    return threads > 0;
  }
  ++threads;
  return true;
}

void NameLookups::State::RunFirst(std::unique_lock<std::mutex>& lock) {
  const std::string host = std::move(queue.front());
  queue.pop_front();
  hosts[host].begun = true;
  lock.unlock();
  Result<Addresses> found = look_up(host);
  lock.lock();
  if (!stopping) Answer(host, std::move(found));
}

void NameLookups::State::Answer(const std::string& host, Result<Addresses> found) {
  const SteadyTime now = clock.SteadyNow();
  const auto at = hosts.find(host);
  // Called with the lock held: whoever is forgotten is not called any more.
  for (const auto& [ticket, done] : at->second.waiting) done(found);
  at->second.waiting.clear();
  at->second.until = now + (found ? kLookupKept : kFailedLookupKept);
  at->second.answer = std::move(found);
  MakeRoom(now);
}

/// Drops what is too old; if that is not enough, all that is known.
void NameLookups::State::MakeRoom(SteadyTime now) {
  const auto known = [](const auto& host) { return host.second.answer.has_value(); };
  const auto old = [&](const auto& host) { return known(host) && host.second.until <= now; };
  const auto too_many = [&] {
    return std::count_if(hosts.begin(), hosts.end(), known) >
           static_cast<std::ptrdiff_t>(kMaxKeptLookups);
  };
  if (too_many()) std::erase_if(hosts, old);
  if (too_many()) std::erase_if(hosts, known);
}

}  // namespace podium::net
