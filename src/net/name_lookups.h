// Names to addresses by a function that blocks, on a few threads of its own. Pure but for those.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace podium::net {

using Addresses = std::vector<boost::asio::ip::address>;

/// At least one address, best first, or kUnavailable. Blocks, for as long as a name server may.
using LookUp = std::function<Result<Addresses>(const std::string& host)>;
Result<Addresses> LookUpBySystem(const std::string& host);  ///< getaddrinfo

/// So many name servers may be dead at once before the lookup of a host waits for another's.
inline constexpr std::size_t kLookupThreads = 8;
inline constexpr std::size_t kMaxWaitingLookups = 256;  ///< Hosts that wait for a thread.
inline constexpr std::size_t kMaxKeptLookups = 256;  ///< Hosts whose answer is known for a while.
inline constexpr std::chrono::seconds kLookupKept{10};
inline constexpr std::chrono::seconds kFailedLookupKept{1};

/// One lookup of a host at a time, whoever asks for it, and its answer for all who ask soon after.
/// Threads: all methods from any. They are started when they are needed. The end waits for no
/// lookup: a thread that is in one ends after it, and what it finds is dropped.
class NameLookups {
 public:
  using Done = std::function<void(const Result<Addresses>&)>;
  struct Asked {
    std::optional<Result<Addresses>> known;  ///< Then `done` is not called.
    std::uint64_t ticket = 0;                ///< For Forget.
  };

  /// `clock` outlives this. Without threads lookups wait for RunNext.
  explicit NameLookups(const Clock& clock, LookUp look_up = LookUpBySystem,
                       std::size_t threads = kLookupThreads);
  ~NameLookups();
  NameLookups(const NameLookups&) = delete;
  NameLookups& operator=(const NameLookups&) = delete;

  /// What is known of `host`, or kLimited; else its lookup begins, or goes on, and `done` is called
  /// once, on another thread, unless it is forgotten before. `done` neither blocks nor calls back.
  Asked Ask(const std::string& host, Done done);
  /// Once this has returned, `done` is not called any more. A lookup that nobody waits for is left
  /// out if it has not begun.
  void Forget(const std::string& host, std::uint64_t ticket);
  /// The lookup that has waited longest, on the calling thread; false when there is none.
  bool RunNext();

 private:
  struct State;
  static void Work(const std::shared_ptr<State>& state);

  const std::shared_ptr<State> state_;  // Threads in a lookup keep it.
};

}  // namespace podium::net
