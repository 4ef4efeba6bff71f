// A stream of server-sent events, however it was split: the same events, the same end, nothing read
// out of bounds. The first byte of the input says in which pieces.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/assert.h"
#include "net/sse_parser.h"

namespace {

using namespace podium::net;  // NOLINT: a fuzz target has one subject.

constexpr std::size_t kLimit = 64;

/// What came out, and of what kind the end was. Each piece lies in memory of its own size and is
/// gone before the next one.
std::string Parse(std::string_view text, std::size_t part) {
  SseParser parser(kLimit);
  std::string out;
  for (; !text.empty(); text.remove_prefix(std::min(part, text.size()))) {
    const std::string_view input = text.substr(0, part);
    const auto copy = std::make_unique<char[]>(input.size());
    input.copy(copy.get(), input.size());
    parser.Feed({copy.get(), input.size()});
    for (;;) {
      const auto event = parser.Next();
      if (!event) return out + "|failed";
      if (!*event) break;
      PODIUM_ASSERT((*event)->data.size() <= kLimit);
      std::string written;
      AppendSseEvent((*event)->name, (*event)->data, written);
      SseParser reader;
      reader.Feed(written);
      const auto again = reader.Next();
      PODIUM_ASSERT(again && *again && (*again)->data == (*event)->data);
      PODIUM_ASSERT((*again)->name == (*event)->name && !reader.mid_event());
      out += written + std::string((*event)->id) + "|";
    }
  }
  return out + (parser.mid_event() ? "|cut" : "|end");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string whole = Parse(text, text.size() + 1);
  PODIUM_ASSERT(whole == Parse(text, 1));
  PODIUM_ASSERT(whole == Parse(text, 1 + data[0] % 16));
  return 0;
}
