#include "view/tally_memory.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/digest.h"

namespace podium::view {
namespace {

std::uint32_t CopyText(std::array<char, kTallyIdBytes>& into, const std::string& text) {
  std::copy(text.begin(), text.end(), into.begin());
  return static_cast<std::uint32_t>(text.size());
}

std::span<StoredKey> KeysIn(const Mapping& chunk) {
  return {reinterpret_cast<StoredKey*>(chunk.bytes().data()), kKeysOfChunk};
}

}  // namespace

std::uint64_t ChecksumOf(const TallyHead& head) {
  Sha256 digest;
  digest.Update({reinterpret_cast<const char*>(&head), offsetof(TallyHead, checksum)});
  const Sha256Digest all = digest.Finish();
  std::uint64_t first = 0;
  std::memcpy(&first, all.data(), sizeof first);
  return first;
}

Result<TallyHead> TallyHeadOf(const TallyName& name, const TallyShape& shape) {
  if (name.rollout.size() > kTallyIdBytes || name.incarnation.size() > kTallyIdBytes) {
    return Fail(ErrorCode::kInvalidArgument, "an id of more than {} bytes", kTallyIdBytes);
  }
  TallyHead head{};
  head.magic = kTallyMagic;
  head.format = kTallyFormat;
  head.series = kRolloutSeries;
  head.cores = static_cast<std::uint32_t>(shape.cores);
  head.epoch = name.epoch;
  head.seen_cells = shape.seen_cells;
  head.rollout_size = CopyText(head.rollout, name.rollout);
  head.incarnation_size = CopyText(head.incarnation, name.incarnation);
  head.checksum = ChecksumOf(head);
  return head;
}

std::unique_ptr<TallyMemory> TallyMemory::OfProcess(const TallyShape& shape) {
  Mapping base = MapMemory(TallyChunksAt(shape.cores, shape.seen_cells));
  return std::unique_ptr<TallyMemory>(new TallyMemory("", shape, std::move(base)));
}

Result<std::unique_ptr<TallyMemory>> TallyMemory::InFile(const std::string& path,
                                                         const TallyName& name,
                                                         const TallyShape& shape) {
  PODIUM_TRY_ASSIGN(const TallyHead head, TallyHeadOf(name, shape));
  const std::size_t bytes = TallyChunksAt(shape.cores, shape.seen_cells);
  PODIUM_TRY(CheckDiskRoom(std::filesystem::path(path).parent_path().string(), bytes,
                           limits::kEvidenceDiskReserve));
  const std::string_view text(reinterpret_cast<const char*>(&head), sizeof head);
  PODIUM_TRY_ASSIGN(Mapping base, MapNewFile(path, text, bytes, Outlives::kProcess));
  std::unique_ptr<TallyMemory> made(new TallyMemory(path, shape, std::move(base)));
  // Without room for keys it still has the counts; whoever prepares it the next time says why.
  const Status prepared = made->Prepare();
  (void)prepared;
  return made;
}

TallyMemory::TallyMemory(std::string path, const TallyShape& shape, Mapping base)
    : path_(std::move(path)), shape_(shape), base_(std::move(base)) {
  keep() = UINT32_MAX;
}

TallyState& TallyMemory::state() const {
  return *reinterpret_cast<TallyState*>(base_.bytes().data() + kTallyStateAt);
}

std::span<CoreCounters> TallyMemory::cores() const {
  return {reinterpret_cast<CoreCounters*>(base_.bytes().data() + kTallyCoresAt), shape_.cores};
}

std::span<std::atomic<std::uint8_t>> TallyMemory::seen() const {
  char* at = base_.bytes().data() + TallySeenAt(shape_.cores);
  return {reinterpret_cast<std::atomic<std::uint8_t>*>(at), shape_.seen_cells};
}

std::span<StoredKey> TallyMemory::TakeChunk() {
  const std::lock_guard lock(mutex_);
  ++taken_;
  if (prepared_.empty()) return KeysIn(chunks_.emplace_back(MapMemory(kTallyChunkBytes)));
  const std::span<StoredKey> taken = prepared_.front();
  prepared_.pop_front();
  return taken;
}

// A chunk for each core at least, since each takes its own.
std::size_t TallyMemory::Wanted() const {
  if (!in_file() || shape_.seen_cells == 0) return 0;
  const std::size_t most = shape_.most_keys / kKeysOfChunk + 2 * shape_.cores;
  const std::size_t ahead = std::max(taken_, shape_.cores + 1);
  const std::size_t wanted = std::min(ahead, most - std::min(most, taken_));
  return wanted - std::min(wanted, prepared_.size());
}

Status TallyMemory::Prepare() {
  std::size_t wanted = 0;
  {
    const std::lock_guard lock(mutex_);
    wanted = Wanted();
  }
  if (wanted == 0) return {};
  const std::size_t count = state().chunks.load(std::memory_order_relaxed);
  PODIUM_TRY(CheckDiskRoom(std::filesystem::path(path_).parent_path().string(),
                           wanted * kTallyChunkBytes, limits::kEvidenceDiskReserve));
  const std::size_t begin = TallyChunksAt(shape_.cores, shape_.seen_cells);
  for (std::size_t i = count; i < count + wanted; ++i) {
    PODIUM_TRY_ASSIGN(Mapping chunk,
                      MapMoreOf(path_, begin + i * kTallyChunkBytes, kTallyChunkBytes));
    const std::lock_guard lock(mutex_);
    state().chunks.store(static_cast<std::uint32_t>(i + 1), std::memory_order_release);
    prepared_.push_back(KeysIn(chunk));
    chunks_.push_back(std::move(chunk));
  }
  return {};
}

void TallyMemory::Remove() const {
  std::error_code ignored;  // What stays is sent again, which changes nothing.
  if (in_file()) std::filesystem::remove(path_, ignored);
}

}  // namespace podium::view
