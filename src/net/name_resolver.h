// Names to addresses, without holding up a core.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/task.h"

namespace podium::net {

using Addresses = std::vector<boost::asio::ip::address>;

/// Threads: one executor.
class NameResolver {
 public:
  virtual ~NameResolver() = default;
  /// At least one address, best first, or kUnavailable. While it runs, `abandon` is a function that
  /// ends the wait soon, with an error; empty before and after.
  virtual Task<Result<Addresses>> Resolve(std::string host, std::function<void()>& abandon) = 0;
};

/// The system's (getaddrinfo, on a thread of the loop's own). An address is itself, and `localhost`
/// is this machine without asking anybody: it works in containers that have no hosts file.
/// The thread cannot be called back: a wait that is abandoned leaves it working, and what it finds
/// is dropped.
class SystemResolver final : public NameResolver {
 public:
  explicit SystemResolver(const Executor& executor);
  ~SystemResolver() override;  ///< REQUIRES: no Resolve is running.

  Task<Result<Addresses>> Resolve(std::string host, std::function<void()>& abandon) override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace podium::net
