// Names to addresses, without holding up a core.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/task.h"
#include "net/name_lookups.h"

namespace podium::net {

/// Threads: one executor.
class NameResolver {
 public:
  virtual ~NameResolver() = default;
  /// At least one address, best first, or kUnavailable, or kLimited. While it runs, `abandon` is a
  /// function that ends the wait soon, with an error; empty before and after.
  virtual Task<Result<Addresses>> Resolve(std::string host, std::function<void()>& abandon) = 0;
};

/// The system's, by lookups that may be shared with others. An address is itself, and `localhost`
/// is this machine without asking anybody: it works in containers that have no hosts file.
/// A wait that is abandoned leaves nothing behind that the loop would wait for.
class SystemResolver final : public NameResolver {
 public:
  /// The executor's loop outlives this.
  SystemResolver(Executor executor, std::shared_ptr<NameLookups> lookups);
  ~SystemResolver() override;  ///< REQUIRES: no Resolve is running.

  Task<Result<Addresses>> Resolve(std::string host, std::function<void()>& abandon) override;

 private:
  class Wait;
  Task<Result<Addresses>> Ask(const std::string& host, std::function<void()>& abandon);

  const Executor executor_;
  const std::shared_ptr<NameLookups> lookups_;
};

}  // namespace podium::net
