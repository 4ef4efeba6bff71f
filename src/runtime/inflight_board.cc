#include "runtime/inflight_board.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace podium::runtime {

namespace {

constexpr std::uint64_t kMagic = 0x31646f6256'6f50ULL;  // Changes with the layout.
enum BoardState : std::uint32_t { kBoardEnded = 0, kBoardRunning = 1 };

struct alignas(128) Slot {
  std::atomic<std::uint32_t> owned;
  std::atomic<std::uint8_t> phase;
  std::int32_t signal;
  std::uint64_t run;
  ArtifactKey key;
};

}  // namespace

struct BoardMap {
  std::uint64_t magic;
  std::atomic<std::uint32_t> state;
  std::atomic<std::int32_t> stray_signal;
  std::array<Slot, kBoardSlots> slots;
};

namespace {

static_assert(std::atomic<std::uint8_t>::is_always_lock_free);
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

// What the signal handler may touch: one word per thread, one per process.
thread_local Slot* t_slot = nullptr;
std::atomic<BoardMap*> g_board{nullptr};

constexpr std::array<int, 5> kFatalSignals = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
std::array<struct sigaction, kFatalSignals.size()> g_before{};

/// A stack for the signal handler: a thread whose own stack has overflowed has none left.
class SignalStack {
 public:
  SignalStack() {
    stack_t present{};
    if (::sigaltstack(nullptr, &present) != 0 || (present.ss_flags & SS_DISABLE) == 0) return;
    stack_t ours{};
    ours.ss_sp = bytes_.data();
    ours.ss_size = bytes_.size();
    installed_ = ::sigaltstack(&ours, nullptr) == 0;
  }
  ~SignalStack() {
    if (!installed_) return;
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    ::sigaltstack(&none, nullptr);
  }
  SignalStack(const SignalStack&) = delete;
  SignalStack& operator=(const SignalStack&) = delete;

 private:
  std::array<std::byte, 16 * 1024> bytes_{};
  bool installed_ = false;
};

/// The slot of one thread, given back when the thread ends.
class Seat {
 public:
  ~Seat() { Leave(); }

  Slot* On(const std::shared_ptr<BoardMap>& map) {
    if (map_ != map) Take(map);
    return t_slot;
  }

 private:
  void Take(const std::shared_ptr<BoardMap>& map) {
    Leave();
    map_ = map;
    for (Slot& slot : map->slots) {
      std::uint32_t free = 0;
      if (!slot.owned.compare_exchange_strong(free, 1)) continue;
      if (!stack_) stack_ = std::make_unique<SignalStack>();
      t_slot = &slot;
      return;
    }
  }
  void Leave() {
    if (Slot* slot = std::exchange(t_slot, nullptr)) {
      slot->phase.store(0, std::memory_order_relaxed);
      slot->owned.store(0, std::memory_order_release);
    }
    map_.reset();
  }

  std::shared_ptr<BoardMap> map_;
  std::unique_ptr<SignalStack> stack_;
};
thread_local Seat t_seat;

/// Only notes; then the signal takes the course that it would have taken without us.
void NoteSignal(int signal, siginfo_t* info, void* /*context*/) {
  Slot* slot = t_slot;
  if (slot != nullptr && slot->phase.load(std::memory_order_relaxed) != 0) {
    slot->signal = signal;
  } else if (BoardMap* board = g_board.load(std::memory_order_relaxed)) {
    board->stray_signal.store(signal, std::memory_order_relaxed);
  }
  for (std::size_t i = 0; i < kFatalSignals.size(); ++i) {
    if (kFatalSignals[i] == signal) ::sigaction(signal, &g_before[i], nullptr);
  }
  // A fault comes again by itself when we return; what was sent must be sent again.
  if (info->si_code <= 0) ::raise(signal);
}

Trail ReadTrail(const BoardMap& map) {
  Trail trail;
  if (map.magic != kMagic || map.state != kBoardRunning) return trail;
  trail.abnormal = true;
  trail.stray_signal = map.stray_signal;
  for (const Slot& slot : map.slots) {
    const std::uint8_t phase = slot.phase.load();
    if (phase == 0 || phase > static_cast<std::uint8_t>(Phase::kProven)) continue;
    trail.traces.push_back({std::string(slot.key.data(), slot.key.size()),
                            static_cast<Phase>(phase), slot.run, slot.signal});
  }
  return trail;
}

Result<std::shared_ptr<BoardMap>> MapFile(int file, const std::filesystem::path& path) {
  if (::ftruncate(file, sizeof(BoardMap)) != 0) {
    return Fail(ErrorCode::kUnavailable, "cannot size {}: {}", path.string(), SystemReason(errno));
  }
  // Pages are taken now: later, on a full disk, a store would be a SIGBUS.
  if (const int failed = ::posix_fallocate(file, 0, sizeof(BoardMap)); failed != 0) {
    return Fail(ErrorCode::kUnavailable, "cannot size {}: {}", path.string(), SystemReason(failed));
  }
  void* place =
      ::mmap(nullptr, sizeof(BoardMap), PROT_READ | PROT_WRITE, MAP_SHARED, file, /*offset=*/0);
  if (place == MAP_FAILED) {
    return Fail(ErrorCode::kUnavailable, "cannot map {}: {}", path.string(), SystemReason(errno));
  }
  return std::shared_ptr<BoardMap>(static_cast<BoardMap*>(place),
                                   [](BoardMap* map) { ::munmap(map, sizeof(BoardMap)); });
}

}  // namespace

ArtifactKey KeyOf(std::string_view sha256) {
  ArtifactKey key{};
  std::copy_n(sha256.begin(), std::min(sha256.size(), key.size()), key.begin());
  return key;
}

Result<std::unique_ptr<InflightBoard>> InflightBoard::Open(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) {
    return Fail(ErrorCode::kUnavailable, "cannot open {}: {}", path.string(), SystemReason(errno));
  }
  if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
    ::close(file);
    return Fail(ErrorCode::kConflict, "another process has {}", path.string());
  }
  Result<std::shared_ptr<BoardMap>> map = MapFile(file, path);
  if (!map) {
    ::close(file);
    return Fail(std::move(map).error());
  }
  Trail found = ReadTrail(**map);
  std::memset(static_cast<void*>(map->get()), 0, sizeof(BoardMap));
  (*map)->magic = kMagic;
  (*map)->state = kBoardRunning;
  return std::unique_ptr<InflightBoard>(new InflightBoard(std::move(*map), file, std::move(found)));
}

InflightBoard::InflightBoard(std::shared_ptr<BoardMap> map, int file, Trail found)
    : map_(std::move(map)), file_(file), found_(std::move(found)) {}

InflightBoard::~InflightBoard() {
  BoardMap* ours = map_.get();
  g_board.compare_exchange_strong(ours, nullptr);
  ::close(file_);
}

void InflightBoard::CatchSignals() {
  if (g_board.exchange(map_.get()) != nullptr) return;  // Installed already.
  struct sigaction action{};
  action.sa_sigaction = NoteSignal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < kFatalSignals.size(); ++i) {
    struct sigaction before{};
    ::sigaction(kFatalSignals[i], &action, &before);
    // After a board that is gone, the handler before us is our own.
    if (before.sa_sigaction != NoteSignal) g_before[i] = before;
  }
}

void InflightBoard::Close() { map_->state = kBoardEnded; }

InflightBoard::Mark::Mark(InflightBoard* board, const ArtifactKey& key, Phase phase,
                          std::uint64_t run) {
  if (board == nullptr) return;
  Slot* slot = t_seat.On(board->map_);
  if (slot == nullptr) return;
  slot->key = key;
  slot->run = run;
  slot->signal = 0;
  phase_ = &slot->phase;
  Enter(phase);
}

InflightBoard::Mark::~Mark() { Enter(Phase::kIdle); }

void InflightBoard::Mark::Enter(Phase phase) {
  if (phase_ != nullptr) {
    phase_->store(static_cast<std::uint8_t>(phase), std::memory_order_release);
  }
}

}  // namespace podium::runtime
