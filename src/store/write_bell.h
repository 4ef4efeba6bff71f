// Hears from the kernel that a file was written, by whatever process of this machine.
#pragma once

#include <atomic>
#include <chrono>
#include <string>

namespace podium::store {

/// Threads: one at a time; Stop on any.
class WriteBell {
 public:
  enum class Heard { kNothing, kWrite, kStop };

  WriteBell();
  ~WriteBell();
  WriteBell(const WriteBell&) = delete;
  WriteBell& operator=(const WriteBell&) = delete;

  /// Listens to the file from now on. REQUIRES: !hears(). Where the system does not tell of files,
  /// or has no more to give, it hears nothing.
  void ListenTo(const std::string& path);
  /// Whether it would hear a write: not before ListenTo, nor once the file is removed.
  bool hears() const { return watch_ >= 0; }
  /// As soon as there is something; kNothing after `patience`. A write is heard once.
  Heard Wait(std::chrono::milliseconds patience);
  /// Sleeps, whatever is written meanwhile. False as soon as it was stopped.
  bool Rest(std::chrono::milliseconds duration);
  /// Whether anything was written since it was last heard.
  bool TakeWrites();
  /// Ends the Wait or Rest under way, and all later ones at once.
  void Stop();

 private:
  // Below 0 where the system has none to give: then a wait that is stopped lasts its time.
  const int stop_;     // An eventfd, readable once stopped.
  const int notices_;  // An inotify.
  std::atomic<bool> stopped_{false};
  int watch_ = -1;
};

}  // namespace podium::store
