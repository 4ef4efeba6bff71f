// What a server may send to our client: head and body, however split. The first byte of the input
// says where; its lowest bit makes the request a HEAD.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "net/http_body.h"
#include "net/http_parser.h"

namespace {

using namespace podium::net;  // NOLINT: a fuzz target has one subject.

std::string Decode(BodyFraming framing, std::string_view text, std::size_t part) {
  std::string body;
  while (!framing.done() && !text.empty()) {
    const std::string_view input = text.substr(0, part);
    const auto copy = std::make_unique<char[]>(input.size());
    input.copy(copy.get(), input.size());
    const BodyFraming::Step step = framing.Next({copy.get(), input.size()});
    if (step.failed) return body + "|failed";
    PODIUM_ASSERT(step.consumed > 0 && step.consumed <= input.size());
    body += step.piece;
    text.remove_prefix(step.consumed);
  }
  return body + (framing.done() ? "|done" : "|more");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t seed = data[0];
  const auto copy = std::make_unique<char[]>(size - 1);
  const std::string_view text(copy.get(), size - 1);
  std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1).copy(copy.get(), size - 1);

  ResponseHead head;
  const ParseOutcome whole = ParseResponseHead(text, head);
  if (whole.state == ParseState::kComplete) {
    PODIUM_ASSERT(head.status >= 100 && head.status <= 999);
    PODIUM_ASSERT(!head.chunked || !head.content_length);
    const BodyFraming framing(head, seed % 2 == 1 ? HttpMethod::kHead : HttpMethod::kGet);
    const std::string_view rest = text.substr(whole.consumed);
    PODIUM_ASSERT(Decode(framing, rest, 1 + seed % 16) == Decode(framing, rest, rest.size() + 1));
  }

  const std::size_t cut = seed * text.size() / 256;
  ResponseHead early;
  const ParseOutcome part = ParseResponseHead(text.substr(0, cut), early);
  if (part.state == ParseState::kNeedMore) {
    PODIUM_ASSERT(whole.state != ParseState::kComplete || whole.consumed > cut);
    return 0;
  }
  PODIUM_ASSERT(part.state == whole.state && part.consumed == whole.consumed);
  PODIUM_ASSERT(part.error.text == whole.error.text);
  return 0;
}
