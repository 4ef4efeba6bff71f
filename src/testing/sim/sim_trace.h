// What a simulation did, line by line: the end of it for a person, all of it as one number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

namespace podium::testing {

/// Threads: one at a time.
class SimTrace {
 public:
  void Add(std::string line);
  /// FNV-1a over every line so far: two runs of a seed must agree on it.
  std::uint64_t hash() const { return hash_; }
  /// The last lines, oldest first.
  std::string Tail() const;

 private:
  static constexpr std::size_t kKept = 60;

  std::uint64_t hash_ = 14695981039346656037ULL;
  std::deque<std::string> last_;
};

}  // namespace podium::testing
