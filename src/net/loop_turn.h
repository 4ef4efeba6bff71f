// The end of a turn of a core's loop, for many to wait for at the price of one post.
#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>
#include <cstddef>
#include <memory>
#include <new>
#include <utility>

#include "base/task.h"

namespace podium::net {

/// Threads: its executor's one. Outlives all waits.
class LoopTurn {
 public:
  /// The place of one who waits: stays where it is until the wait is over, or goes with the task
  /// that waits.
  class Waiter {
   public:
    Waiter() = default;
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

   private:
    friend class LoopTurn;
    static constexpr std::size_t kPlaceBytes = 4 * sizeof(void*);

    /// Takes what was kept out of its place, which may end with it; goes on, or drops the task.
    template <typename Resume>
    static void Take(Waiter& waiter, bool goes_on) {
      auto* kept = std::launder(reinterpret_cast<Resume*>(waiter.place_));
      Resume resume(std::move(*kept));
      kept->~Resume();
      if (goes_on) std::move(resume)();
    }

    alignas(void*) std::byte place_[kPlaceBytes];
    void (*take_)(Waiter&, bool) = nullptr;
    Waiter* next_ = nullptr;
  };

  LoopTurn() = default;
  LoopTurn(const LoopTurn&) = delete;
  LoopTurn& operator=(const LoopTurn&) = delete;

  /// To await: goes on once all that the loop has found ready was dealt with, in the order of those
  /// who wait.
  auto End(const Executor& executor, Waiter& waiter) {
    namespace asio = boost::asio;
    auto wait = [this, executor, &waiter](auto resume) {
      using Resume = decltype(resume);
      static_assert(sizeof(Resume) <= Waiter::kPlaceBytes && alignof(Resume) <= alignof(void*));
      new (waiter.place_) Resume(std::move(resume));
      waiter.take_ = &Waiter::Take<Resume>;
      waiter.next_ = nullptr;
      Join(executor, waiter);
    };
    return asio::async_initiate<decltype(asio::deferred), void()>(wait, asio::deferred);
  }

 private:
  /// Those who wait for one end. It belongs to what was posted: a loop that ends before the turn
  /// does drops the tasks with it.
  struct Waiting {
    explicit Waiting(LoopTurn& of) : turn(of) {}
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    ~Waiting() {
      if (first != nullptr) TakeAll(false);
    }

    void TakeAll(bool goes_on) {
      // Whoever waits from now on waits for the next end.
      if (turn.open_ == this) turn.open_ = nullptr;
      while (first != nullptr) {
        Waiter& taken = *std::exchange(first, first->next_);
        taken.take_(taken, goes_on);
      }
    }

    LoopTurn& turn;
    Waiter* first = nullptr;
    Waiter* last = nullptr;
  };

  void Join(const Executor& executor, Waiter& waiter) {
    if (open_ != nullptr) {
      open_->last = open_->last->next_ = &waiter;
      return;
    }
    auto waiting = std::make_unique<Waiting>(*this);
    waiting->first = waiting->last = &waiter;
    open_ = waiting.get();
    boost::asio::post(executor, [waiting = std::move(waiting)] { waiting->TakeAll(true); });
  }

  Waiting* open_ = nullptr;  // For the turn that goes on.
};

}  // namespace podium::net
