// What a crash has left of a journal is read back: any bytes give attempts or damage, each event
// once, and nothing that was not written.
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/log.h"
#include "journal/attempt_reader.h"

namespace {

using namespace podium;
using namespace podium::journal;

constexpr std::uint64_t kIncarnation = 7;

/// One segment of one core, in memory.
class OneSegment final : public Log {
 public:
  explicit OneSegment(std::string bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t incarnation() const override { return kIncarnation; }
  const std::string& folder() const override { return folder_; }
  std::vector<std::uint32_t> cores() const override { return {0}; }
  std::optional<std::uint64_t> NextSegment(std::uint32_t /*core*/, std::uint64_t number) override {
    return number <= 1 ? std::optional<std::uint64_t>(1) : std::nullopt;
  }
  Result<SegmentBytes> Look(std::uint32_t core, std::uint64_t number) override {
    PODIUM_TRY_ASSIGN(const std::uint64_t salt,
                      ReadSegmentHead(bytes_, {kIncarnation, core, number}));
    return SegmentBytes{bytes_, salt, true};
  }
  void DropBefore(std::uint32_t /*core*/, std::uint64_t /*number*/) override {}
  bool dead() const override { return true; }

 private:
  const std::string bytes_;
  const std::string folder_ = "/nonexistent";
};

// Checksums stop a fuzzer: half of the inputs are payloads, which this frames as they should be.
std::string Framed(std::string_view input) {
  const std::string head = SegmentHead({kIncarnation, 0, 1});
  const std::uint64_t salt = *ReadSegmentHead(head, {kIncarnation, 0, 1});
  std::string bytes = head;
  std::uint64_t sequence = 0;
  while (input.size() > 2) {
    const auto type = static_cast<RecordType>(static_cast<std::uint8_t>(input[0]) % 4 + 1);
    const std::string_view payload = input.substr(2, static_cast<std::uint8_t>(input[1]));
    AppendFrame(bytes, type, ++sequence, payload, salt);
    input.remove_prefix(2 + payload.size());
  }
  return bytes;
}

void ReadToItsEnd(std::string bytes) {
  OneSegment log(std::move(bytes));
  Result<AttemptReader> reader = AttemptReader::Open(log);
  PODIUM_ASSERT(reader);
  std::set<std::string> seen;
  while (!reader->done()) {
    const Result<std::vector<Attempt>> read = reader->Read(3);
    PODIUM_ASSERT(read && read->size() <= 3);
    for (const Attempt& attempt : *read) PODIUM_ASSERT(seen.insert(attempt.event_id).second);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool muted = (MuteLog(), true);
  (void)muted;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (input.empty()) return 0;
  if (input[0] % 2 == 0) {
    ReadToItsEnd(Framed(input.substr(1)));
  } else {
    ReadToItsEnd(SegmentHead({kIncarnation, 0, 1}) + std::string(input.substr(1)));
  }
  return 0;
}
