// One call on its two ways: to the champion, whose answer the caller gets, and to a shadow.
//
// The two sides meet by one atomic number and never wait for each other: whoever is second leaves
// the pair to be compared, which is done by the shadows' threads alone.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "base/result.h"
#include "domain/model.h"
#include "domain/tensor.h"
#include "gateway/call_codec.h"
#include "view/shadow_tally.h"

namespace podium::gateway {

/// How the champion's side ended.
enum class ChampionEnd : std::uint8_t {
  kAnswered,
  kFailed,
  kWithdrawn,  ///< It says nothing: the caller's mistake, or the server was busy.
};

/// Threads: the champion's side on its core, the shadow's on one thread at a time.
class ShadowPair {
 public:
  struct Parts {
    std::shared_ptr<const CallInputs> inputs;
    ModelHandle model;
    std::shared_ptr<view::ShadowTally> tally;
    double tolerance = 0;
    std::size_t answer_limit = limits::kMaxShadowAnswerBytes;  ///< Of either, to be compared.
    SteadyTime offered;
    std::size_t core = 0;
  };
  explicit ShadowPair(Parts parts) : parts_(std::move(parts)) {}

  /// The champion has ended; once. `outputs` only if it answered, and they are within the limit.
  /// True when the shadow has been faster: then the pair has to be given to the lane once more.
  bool EndChampion(ChampionEnd end, std::optional<std::vector<Tensor>> outputs,
                   std::optional<std::chrono::nanoseconds> time);

  /// Whether the champion's side is known by now.
  bool champion_ended() const { return (sides_.load(std::memory_order_acquire) & kChampion) != 0; }
  bool challenger_ended() const { return challenger_ended_; }
  /// Whether nothing can come of it any more.
  bool withdrawn() const { return champion_ended() && end_ == ChampionEnd::kWithdrawn; }

  /// Runs the shadow. True when the champion has ended too: then Compare is due.
  bool RunChallenger(const Clock& clock);
  /// Counts the pair. REQUIRES: both have ended.
  void Compare();

  std::size_t core() const { return parts_.core; }
  SteadyTime offered() const { return parts_.offered; }
  view::ShadowTally& tally() const { return *parts_.tally; }

 private:
  static constexpr std::uint8_t kChampion = 1;
  static constexpr std::uint8_t kChallenger = 2;
  void NoteError(const Error& error, SteadyTime now);

  const Parts parts_;
  std::atomic<std::uint8_t> sides_{0};
  // Written before its side's bit is set, read after the other side has seen that.
  ChampionEnd end_ = ChampionEnd::kWithdrawn;
  std::optional<std::vector<Tensor>> champion_;
  std::optional<std::chrono::nanoseconds> champion_time_;
  // Of the shadow's side alone.
  bool challenger_ended_ = false;
  bool challenger_answered_ = false;
  std::optional<std::vector<Tensor>> challenger_;
  std::chrono::nanoseconds challenger_time_{0};
};

}  // namespace podium::gateway
