// A process of its own for one model: what crashes, hangs or eats memory there harms nobody here.
//
// The child is this same binary (`podium model-host`), told over a pair of sockets what to load and
// within what limits. It dies with the thread that started it, and its whole process group is
// killed when we let go; a signal meant for the server (SIGTERM and the like) it does not hear.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "domain/tensor.h"
#include "runtime/frame.h"

namespace podium::runtime {

/// Why there is no answer from the child.
enum class HarmKind : std::uint8_t {
  kRefused,      ///< The model failed as models do, with an error: no harm.
  kCrashed,      ///< Its process ended by a signal, or without a word.
  kTimedOut,     ///< It took longer than it was given.
  kOutOfMemory,  ///< It needed more than it was given, and said so.
  kNotStarted,  ///< There is no child, or somebody else ended it: not the model's fault, try again.
};
inline constexpr int kHarmKinds = 5;
std::string_view NameOf(HarmKind kind);  ///< "crash"

struct Harm {
  HarmKind kind = HarmKind::kRefused;
  Error error;  ///< Its message says what happened, without naming the model; a HarmText.
};
/// What a model's process said, fit for a table, a log or a terminal: valid UTF-8 without control
/// characters, at most limits::kMaxHarmTextBytes, with "…" when something was cut. Pure.
std::string HarmText(std::string_view said);
template <typename T>
using ChildResult = tl::expected<T, Harm>;

/// What is started: a binary that knows the verb `model-host`.
inline constexpr const char* kModelHostVerb = "model-host";
std::filesystem::path ThisProgram();

std::string SignalName(int signal);                       ///< "SIGSEGV"
std::string InSeconds(std::chrono::milliseconds period);  ///< "2.5 s"

/// Threads: one at a time, but Kill from any.
class ModelProcess {
 public:
  /// kNotStarted when the system has no process for us.
  static ChildResult<std::unique_ptr<ModelProcess>> Start(const std::filesystem::path& program,
                                                          const Clock& clock);
  ~ModelProcess();  ///< Kills and reaps.
  ModelProcess(const ModelProcess&) = delete;
  ModelProcess& operator=(const ModelProcess&) = delete;

  /// Loads and warms up; either may take `timeout`.
  ChildResult<ReadyNote> Verify(const VerifyOrder& order, std::chrono::milliseconds timeout);
  /// REQUIRES: Verify has succeeded, no Run before has failed but with kRefused.
  ChildResult<std::vector<Tensor>> Run(std::span<const Tensor> inputs,
                                       std::chrono::milliseconds timeout);
  /// Whoever waits for it gets kNotStarted.
  void Kill();
  bool killed() const { return killed_; }  ///< By us.
  int pid() const { return pid_; }

 private:
  ModelProcess(int pid, int socket, int errors, const Clock& clock)
      : pid_(pid), socket_(socket), errors_(errors), clock_(clock) {}
  ChildResult<Frame> Await(std::string out, std::chrono::milliseconds timeout);
  bool Send(std::string& out);
  bool Receive();
  Harm Ended(bool sent);
  Harm Refusal(const Frame& frame) const;
  Harm Nonsense(const Error& error) const;
  int Reap();
  std::string LastWords() const;

  const int pid_;  // As the system numbers processes.
  const int socket_;
  const int errors_;  // A file in memory: what the child wrote to its standard error.
  const Clock& clock_;
  std::string received_;
  bool unread_ = false;  // It died before it had read all that was sent.
  std::string_view doing_ = "while loading";
  std::uint64_t memory_bytes_ = 0;
  std::mutex mutex_;     // A killed process must not be reaped first: its number is another's then.
  bool reaped_ = false;  // Protected by mutex_.
  int wait_status_ = 0;  // Protected by mutex_.
  std::atomic<bool> killed_{false};
};

}  // namespace podium::runtime
