// A request head and its body, however the bytes were split: never out of bounds, and never two
// answers to the same bytes. The first byte of the input says where it is split.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "net/http_body.h"
#include "net/http_parser.h"
#include "net/path_pattern.h"
#include "net/target.h"

namespace {

using namespace podium::net;  // NOLINT: a fuzz target has one subject.

/// A copy that ends where its memory ends, so that ASan sees a read of one byte too many.
struct ExactCopy {
  explicit ExactCopy(std::string_view text) : bytes(new char[text.size()]), size(text.size()) {
    text.copy(bytes.get(), size);
  }
  std::string_view view() const { return {bytes.get(), size}; }
  std::unique_ptr<char[]> bytes;
  std::size_t size;
};

bool Within(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void CheckHead(const RequestHead& head, std::string_view text, std::size_t consumed) {
  const std::string_view read = text.substr(0, consumed);
  PODIUM_ASSERT(read.ends_with("\r\n\r\n"));
  PODIUM_ASSERT(Within(head.target, read) && Within(head.query, read));
  PODIUM_ASSERT(head.path == "*" || head.path.starts_with('/'));
  PODIUM_ASSERT(!head.chunked || !head.content_length);
  for (const HeaderField& field : head.headers) {
    PODIUM_ASSERT(!field.name.empty() && Within(field.name, read) && Within(field.value, read));
    PODIUM_ASSERT(field.value.find_first_of(std::string_view("\r\n\0", 3)) ==
                  std::string_view::npos);
  }
  // The parser has vouched for every escape.
  if (head.path != "*") PODIUM_ASSERT(SplitPath(head.path).has_value());
  (void)QueryValue(head.query, "a");
}

/// What came out of a body, fed in parts of at most `part` bytes.
struct Decoded {
  std::string body;
  std::size_t consumed = 0;
  bool done = false;
  bool failed = false;
  bool operator==(const Decoded&) const = default;
};

Decoded Decode(const RequestHead& head, std::string_view text, std::size_t part) {
  BodyFraming framing(head);
  Decoded result;
  while (!framing.done() && result.consumed < text.size()) {
    const ExactCopy input(text.substr(result.consumed, part));
    const BodyFraming::Step step = framing.Next(input.view());
    PODIUM_ASSERT(step.consumed <= input.size && Within(step.piece, input.view()));
    PODIUM_ASSERT(step.failed || step.consumed > 0);
    result.body += step.piece;
    result.consumed += step.consumed;
    result.failed = step.failed;
    if (step.failed) break;
  }
  result.done = framing.done();
  return result;
}

void CheckBody(const RequestHead& head, std::string_view rest, std::size_t part) {
  const Decoded whole = Decode(head, rest, rest.size() + 1);
  PODIUM_ASSERT(Decode(head, rest, part) == whole);
  PODIUM_ASSERT(Decode(head, rest, 1) == whole);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t seed = data[0];
  const ExactCopy text(std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1));
  RequestHead head;
  const ParseOutcome whole = ParseRequestHead(text.view(), head);
  if (whole.state == ParseState::kComplete) {
    CheckHead(head, text.view(), whole.consumed);
    CheckBody(head, text.view().substr(whole.consumed), 1 + seed % 16);
  }
  PODIUM_ASSERT(whole.state != ParseState::kError || whole.error.status >= 400);

  // A prefix needs more, or says what the whole says.
  const std::size_t cut = text.size == 0 ? 0 : seed * text.size / 256;
  const ExactCopy prefix(text.view().substr(0, cut));
  RequestHead early;
  const ParseOutcome part = ParseRequestHead(prefix.view(), early);
  if (part.state == ParseState::kNeedMore) {
    PODIUM_ASSERT(whole.state != ParseState::kComplete || whole.consumed > cut);
    return 0;
  }
  PODIUM_ASSERT(part.state == whole.state && part.consumed == whole.consumed);
  PODIUM_ASSERT(part.error.status == whole.error.status && part.error.text == whole.error.text);
  return 0;
}
