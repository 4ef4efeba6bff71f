// Artifacts that have done harm and are not loaded again until a person says so.
//
// Kept in a small file of the data directory, by checksum: the same bytes do the same harm under
// any name. It also remembers which artifacts were in use when the server died without a word.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"

namespace podium::runtime {

/// Deaths of the server in a row, of unknown cause, that an artifact was in use at.
using Strikes = std::map<std::string, int>;

/// Threads: all methods from any thread; the listener must not call back.
class Quarantine {
 public:
  /// Told of every artifact as it is added: (checksum, reason).
  using Listener = std::function<void(const std::string&, const std::string&)>;

  /// Reads `file`, if there is one. One that cannot be read is reported and counts as empty: it
  /// must not keep a server from starting. An empty path keeps all in memory.
  Quarantine(std::filesystem::path file, const Clock& clock);

  /// `reason` is a sentence without a subject: "crashed with SIGSEGV while loading". The first
  /// reason stays. Beyond limits::kMaxQuarantined the oldest is forgotten.
  void Add(const std::string& sha256, const std::string& reason);
  bool Release(const std::string& sha256);  ///< False when it was not here.
  std::optional<std::string> Find(const std::string& sha256) const;
  std::size_t size() const;

  Strikes strikes() const;
  void SetStrikes(Strikes strikes);

  void Listen(Listener listener);
  /// Writes what has changed since the last time, atomically. Blocking.
  Status Save();

 private:
  struct Entry {
    std::string reason;
    WallTime at;
  };
  void Read();
  Status Parse(const std::string& text);
  std::string Render() const;                    // REQUIRES: the lock.
  void ForgetOldest(const std::string& newest);  // REQUIRES: the lock.

  const std::filesystem::path file_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;  // Protected by mutex_, as all below.
  Strikes strikes_;
  bool changed_ = false;
  Listener listener_;
  std::mutex saving_;  // One writer of the file at a time.
};

}  // namespace podium::runtime
