// What a crash has left of a rollout's counts is read back: any bytes give counts that can be, or
// are refused.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/limits.h"
#include "view/left_tally.h"
#include "view/tally_memory.h"

namespace {

using namespace podium;
using namespace podium::view;

constexpr TallyShape kFuzzShape{.cores = 2, .seen_cells = 64, .most_keys = 0};

// Sizes and checksums stop a fuzzer: half of the inputs are laid over a file that is one.
std::string Laid(std::string_view input) {
  const TallyHead head = *TallyHeadOf({"ro", 1, "inc"}, kFuzzShape);
  const std::size_t keys = TallyChunksAt(kFuzzShape.cores, kFuzzShape.seen_cells);
  std::string bytes(keys + kTallyChunkBytes, '\0');
  std::memcpy(bytes.data(), &head, sizeof head);
  std::memset(bytes.data() + kTallyStateAt, 0xff, 4);
  bytes[kTallyStateAt + 4] = 1;
  const std::size_t counts = std::min(input.size(), kFuzzShape.cores * sizeof(CoreCounters));
  std::memcpy(bytes.data() + kTallyCoresAt, input.data(), counts);
  input.remove_prefix(counts);
  std::memcpy(bytes.data() + keys, input.data(), std::min(input.size(), kTallyChunkBytes));
  return bytes;
}

void ReadIt(std::string_view bytes) {
  const Result<LeftTally> left = ReadLeftTally(bytes);
  if (!left) return;
  PODIUM_ASSERT(left->epoch < limits::kMaxRolloutEpochs && !left->incarnation.empty());
  for (const ArmCounts* arm : {&left->primary, &left->canary}) {
    for (const std::uint64_t bad : arm->bad) PODIUM_ASSERT(bad <= arm->requests);
  }
  for (std::size_t i = 0; i < left->keys.size(); ++i) {
    const MergedKey& key = left->keys[i];
    PODIUM_ASSERT(i == 0 || left->keys[i - 1].unit < key.unit);
    PODIUM_ASSERT(key.hit() != 0);
    ForEachSeries(key.hit(), [&](std::size_t series) {
      const KeyRecord record = key.RecordOf(series);
      PODIUM_ASSERT(record.first_rank <= record.second_rank && record.bad <= kJudgedRequests);
    });
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (input.empty()) return 0;
  if (input[0] % 2 == 0) {
    ReadIt(Laid(input.substr(1)));
  } else {
    ReadIt(input.substr(1));
  }
  return 0;
}
