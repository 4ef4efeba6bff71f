// Counts every allocation of the executable that includes this.
//
// It replaces the global operator new and delete, so exactly one file of an executable may include
// it: a second one does not link.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace podium::testing {

/// Since the start of the process. Threads: any.
inline std::atomic<std::int64_t> allocations{0};

inline void* CountedAllocation(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  // NOLINTNEXTLINE(cppcoreguidelines-no-malloc): what stands below operator new.
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace podium::testing

// The other forms of the standard library call these.
// NOLINTBEGIN(misc-definitions-in-headers): included once, see above.
void* operator new(std::size_t size) { return podium::testing::CountedAllocation(size); }
// NOLINTNEXTLINE(cppcoreguidelines-no-malloc): what stands below operator delete.
void operator delete(void* memory) noexcept { std::free(memory); }
// NOLINTNEXTLINE(cppcoreguidelines-no-malloc): as above.
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
// NOLINTEND(misc-definitions-in-headers)
