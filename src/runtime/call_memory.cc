#include "runtime/call_memory.h"

#include <cstdint>
#include <cstring>
#include <limits>
#include <new>

namespace podium::runtime {
namespace {

constexpr std::size_t kAlignment = 64;  // What the library's kernels expect.

/// Stands before the memory that was given out.
struct Header {
  void* begin = nullptr;
  std::size_t size = 0;
};

struct Budget {
  bool bounded = false;
  std::int64_t used = 0;  // Below zero when a call frees what an earlier one took.
  std::int64_t most = 0;
};
thread_local Budget t_budget;

class CallOutOfMemory final : public std::bad_alloc {
 public:
  const char* what() const noexcept override {
    return "one call needs more memory than serving.call_memory_limit allows (bad_alloc)";
  }
};

void* Take(std::size_t size) {
  if (size == 0) return nullptr;
  constexpr std::size_t kMost = std::numeric_limits<std::int64_t>::max() / 2;
  const bool absurd = size > kMost;
  if (absurd ||
      (t_budget.bounded && t_budget.used + static_cast<std::int64_t>(size) > t_budget.most)) {
    throw CallOutOfMemory();
  }
  // Aligned by hand: the system's own aligned allocation never takes its quick path.
  void* begin = ::operator new(size + sizeof(Header) + kAlignment);
  const auto first = reinterpret_cast<std::uintptr_t>(begin) + sizeof(Header);
  const std::uintptr_t place = (first + kAlignment - 1) / kAlignment * kAlignment;
  auto* given = static_cast<std::byte*>(begin) + (place - reinterpret_cast<std::uintptr_t>(begin));
  const Header header{begin, size};
  std::memcpy(given - sizeof(header), &header, sizeof(header));
  t_budget.used += static_cast<std::int64_t>(size);
  return given;
}

void Give(void* place) {
  if (place == nullptr) return;
  Header header;
  std::memcpy(&header, static_cast<std::byte*>(place) - sizeof(header), sizeof(header));
  t_budget.used -= static_cast<std::int64_t>(header.size);
  ::operator delete(header.begin);
}

/// The library's C table of an allocator. Stateless: all that changes is the thread's.
struct CallAllocator final : OrtAllocator {
  CallAllocator() : OrtAllocator{} {
    version = 1;  // The first three functions; later ones are not asked for.
    Alloc = [](OrtAllocator*, std::size_t size) { return Take(size); };
    Free = [](OrtAllocator*, void* place) { Give(place); };
    Info = [](const OrtAllocator* self) -> const OrtMemoryInfo* {
      return static_cast<const CallAllocator*>(self)->info;
    };
  }
  Ort::MemoryInfo info = Ort::MemoryInfo::CreateCpu(OrtDeviceAllocator, OrtMemTypeDefault);
};

}  // namespace

CallMemory::CallMemory(std::size_t most) { t_budget = {true, 0, static_cast<std::int64_t>(most)}; }

CallMemory::~CallMemory() { t_budget.bounded = false; }

void RegisterCallAllocator(Ort::Env& env) {
  // Never freed: the library and its models may outlive whoever opened them.
  static auto* allocator = new CallAllocator();
  const OrtApi& api = Ort::GetApi();
  // The environment is one per process: a loader opened before may have brought it along.
  const Ort::Status absent_before(api.UnregisterAllocator(env, allocator->info));
  Ort::ThrowOnError(api.RegisterAllocator(env, allocator));
}

}  // namespace podium::runtime
