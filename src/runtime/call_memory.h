// A bound on what one inference allocates. Private to the ONNX adapter.
//
// The library works on the thread that calls it and nowhere else, so what a call uses is counted on
// its thread. A model whose memory depends on its input then fails with an error of its own instead
// of taking the process, and everybody else's models, with it.
#pragma once

#include <onnxruntime_cxx_api.h>

#include <cstddef>

namespace podium::runtime {

/// While it lives, this thread may take `most` bytes from the allocator; what would exceed them
/// throws std::bad_alloc, which the library turns into the call's error.
class CallMemory {
 public:
  explicit CallMemory(std::size_t most);
  ~CallMemory();
  CallMemory(const CallMemory&) = delete;
  CallMemory& operator=(const CallMemory&) = delete;
};

/// Makes `env` allocate through us for every session that asks for its allocators.
void RegisterCallAllocator(Ort::Env& env);

}  // namespace podium::runtime
