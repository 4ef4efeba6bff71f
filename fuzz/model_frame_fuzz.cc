// What comes from a model's process comes from memory that the model may have written over:
// whatever is accepted must be a message that we would write ourselves, and none is a fault.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "domain/tensor.h"
#include "runtime/frame.h"

namespace podium::runtime {
namespace {

void DecodeAs(FrameKind kind, std::string_view payload) {
  switch (kind) {
    case FrameKind::kVerify:
      if (const auto order = DecodeOrder(payload)) PODIUM_ASSERT(Encode(*order) == payload);
      return;
    case FrameKind::kReady:
      if (const auto note = DecodeReady(payload)) PODIUM_ASSERT(Encode(*note) == payload);
      return;
    case FrameKind::kFailed:
      // A code that we do not know reads as kInternal.
      if (const auto error = DecodeError(payload)) {
        PODIUM_ASSERT(Encode(*error).substr(1) == payload.substr(1));
      }
      return;
    case FrameKind::kRun:
    case FrameKind::kAnswer: {
      const auto tensors = DecodeTensors(payload);
      if (!tensors) return;
      PODIUM_ASSERT(Encode(*tensors) == payload);
      for (const Tensor& tensor : *tensors) {
        const auto count = ElementCount(tensor.shape);
        PODIUM_ASSERT(count.has_value());
        const bool texts = tensor.type == DataType::kBytes;
        PODIUM_ASSERT((texts ? tensor.strings.size() : tensor.data.size() / WidthOf(tensor.type)) ==
                      static_cast<std::size_t>(*count));
      }
      return;
    }
    case FrameKind::kWarming:
      return;
  }
}

}  // namespace
}  // namespace podium::runtime

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace podium::runtime;
  std::string buffer(reinterpret_cast<const char*>(data), size);
  for (;;) {
    const std::size_t before = buffer.size();
    const auto frame = TakeFrame(buffer);
    if (!frame || !*frame) break;
    PODIUM_ASSERT(buffer.size() < before);
    DecodeAs((*frame)->kind, (*frame)->payload);
  }
  return 0;
}
