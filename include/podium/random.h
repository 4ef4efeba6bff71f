// The port through which chance enters libpodium: ids and salts of the registry, and the unit of a
// request that came without an id. A decision about a given id is never random.
#pragma once

#include <cstdint>
#include <memory>

#include <podium/error.h>

namespace podium::v1 {

/// Threads: Next64 may be called from any thread. It must not throw.
class [[gnu::visibility("default")]] Random {
 public:
  virtual ~Random();
  /// 64 evenly distributed bits.
  virtual std::uint64_t Next64() = 0;
};

/// Seeded by the operating system, once per thread: what is used where none is passed. Not for
/// secrets.
[[gnu::visibility("default")]] std::shared_ptr<Random> SystemRandom();

}  // namespace podium::v1
