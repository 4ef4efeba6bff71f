// Notices inferences that take too long. In this process a run cannot be killed, only told to end.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace podium::runtime {

inline constexpr std::size_t kWatchedRuns = 1024;  ///< At once; more go unwatched.
/// Time passes here in ticks: a run is overdue between `timeout` and one tick more.
inline constexpr std::chrono::milliseconds kWatchTick{100};

/// Threads: Watched on any, without a lock; Tick on one.
class RunWatch {
  struct Place;

 public:
  explicit RunWatch(std::chrono::milliseconds timeout);

  class Late {
   public:
    virtual ~Late() = default;
    /// Each time that another timeout has passed; `periods` is how many. Threads: that of Tick.
    virtual void Overdue(int periods) = 0;
  };

  /// To be called every kWatchTick. Returns how many runs were found overdue.
  int Tick();
  /// Runs that were overdue at least twice and still go on.
  int stuck() const;

  /// Has `run` watched for as long as this lives; its end waits for an Overdue under way.
  /// Threads: made and destroyed on one.
  class Watched {
   public:
    Watched(RunWatch& watch, Late& run);
    ~Watched();
    Watched(const Watched&) = delete;
    Watched& operator=(const Watched&) = delete;

   private:
    Place* place_ = nullptr;  // Null: all places are taken.
  };

 private:
  struct alignas(64) Place {
    std::atomic<std::uint32_t> state{0};
    std::atomic<int> periods{0};
    std::atomic<std::uint64_t> since{0};  // Tick at which the run, or its latest period, began.
    std::atomic<Late*> run{nullptr};
  };

  void Know(std::size_t place);

  const std::uint64_t timeout_;  // In ticks.
  std::atomic<std::uint64_t> tick_{0};
  std::atomic<std::size_t> next_thread_{0};
  std::atomic<std::size_t> known_{0};  // Places below it are looked at; none above was ever taken.
  std::array<Place, kWatchedRuns> places_;
};

}  // namespace podium::runtime
