#include "runtime/model_host.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <optional>
#include <string>
#include <utility>

#include "runtime/harm_limits.h"
#include "runtime/model_process.h"

namespace podium::runtime {
namespace {

void LimitTo(decltype(RLIMIT_CPU) what, rlim_t most) {
  rlimit limit{};
  ::getrlimit(what, &limit);
  limit.rlim_cur = std::min(most, limit.rlim_max);  // The hard limit stays, for LimitCalls.
  ::setrlimit(what, &limit);
}

/// Private memory that this process has already: the library's, not the model's.
std::uint64_t PrivateMemoryBytes() {
  std::ifstream status("/proc/self/status");
  std::string word;
  std::uint64_t kib = 0;
  while (status >> word) {
    if (word == "VmData:" && status >> kib) break;
  }
  return kib * 1024;
}

// Sent by people and service managers to all processes of a service, or by mistake. The server
// decides when its models' processes end: by the end of input, or with SIGKILL.
constexpr std::array kNotForUs = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2};

// When the machine runs out of memory the system is to end this process, not the server that
// started it. Where there is no such file (no /proc) it chooses as it sees fit.
void GoFirst() { std::ofstream("/proc/self/oom_score_adj") << limits::kChildOomScore; }

// No core files, no writing of files beyond what the server looks at, and no orphan: when the
// thread that started this process dies, so does it. One that died before is seen as end of input.
void Confine() {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (const int number : kNotForUs) std::signal(number, SIG_IGN);
  GoFirst();
  LimitTo(RLIMIT_CORE, 0);
  LimitTo(RLIMIT_FSIZE, limits::kMaxChildStderrBytes);
  std::signal(SIGXFSZ, SIG_IGN);
}

void LimitMemory(std::uint64_t more) {
#ifndef PODIUM_SANITIZED  // Their shadow memory takes terabytes: no such limit can hold.
  LimitTo(RLIMIT_DATA, PrivateMemoryBytes() + more);
#else
  (void)more;
  (void)PrivateMemoryBytes;
#endif
}

void LimitLoad(const VerifyOrder& order) {
  if (order.cpu_seconds > 0) LimitTo(RLIMIT_CPU, order.cpu_seconds);
  if (order.memory_bytes > 0) LimitMemory(order.memory_bytes);
}

// A model that has loaded may answer for as long as it is asked; each answer has its own deadline.
// What one call may take does not depend on what the load took: the model stays, and beside the
// call's memory, which the adapter bounds, there is its question and its answer.
void LimitCalls(const VerifyOrder& order) {
  LimitTo(RLIMIT_CPU, RLIM_INFINITY);
  if (order.memory_bytes == 0) return;
  LimitMemory(order.call_memory_bytes + 2 * std::uint64_t{limits::kMaxFrameBytes});
}

/// Both directions; false when the server is gone.
class Line {
 public:
  Line(int in, int out) : in_(in), out_(out) {}

  std::optional<Frame> Read() {
    std::array<char, 64 * 1024> piece{};
    for (;;) {
      Result<std::optional<Frame>> frame = TakeFrame(buffer_);
      if (!frame) return std::nullopt;
      if (*frame) return std::move(*frame);
      const ssize_t count = ::read(in_, piece.data(), piece.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return std::nullopt;
      buffer_.append(piece.data(), static_cast<std::size_t>(count));
    }
  }
  bool Write(FrameKind kind, const std::string& payload) {
    if (payload.size() > limits::kMaxFrameBytes) {
      return Write(FrameKind::kFailed,
                   Encode(Error{ErrorCode::kInternal, "the answer is too large", "", nullptr}));
    }
    const std::string bytes = Sealed(kind, payload);
    for (std::size_t sent = 0; sent < bytes.size();) {
      const ssize_t count = ::write(out_, bytes.data() + sent, bytes.size() - sent);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return false;
      sent += static_cast<std::size_t>(count);
    }
    return true;
  }

 private:
  const int in_;
  const int out_;
  std::string buffer_;
};

Result<ModelHandle> Load(const OpenLoader& open, const VerifyOrder& order, Line& line) {
  PODIUM_TRY_ASSIGN(const std::shared_ptr<ModelLoader> loader, open(order));
  LimitLoad(order);
  return loader->LoadTelling(order.file, order.signature,
                             [&] { line.Write(FrameKind::kWarming, ""); });
}

void Answer(const LoadedModel& model, const Frame& request, Line& line) {
  Result<std::vector<Tensor>> inputs = DecodeTensors(request.payload);
  Result<std::vector<Tensor>> outputs =
      inputs ? model.Run(*inputs) : Result<std::vector<Tensor>>(Fail(inputs.error()));
  if (!outputs) {
    line.Write(FrameKind::kFailed, Encode(outputs.error()));
    return;
  }
  line.Write(FrameKind::kAnswer, Encode(*outputs));
}

}  // namespace

int HostModel(const OpenLoader& open) {
  constexpr int kNonsense = 2;
  Confine();
  // What a library prints must not get between the frames.
  Line line(STDIN_FILENO, ::dup(STDOUT_FILENO));
  ::dup2(STDERR_FILENO, STDOUT_FILENO);
  const std::optional<Frame> first = line.Read();
  if (!first) return 0;
  const Result<VerifyOrder> order = DecodeOrder(first->payload);
  if (first->kind != FrameKind::kVerify || !order) return kNonsense;
  const Result<ModelHandle> model = Load(open, *order, line);
  if (!model) {
    line.Write(FrameKind::kFailed, Encode(model.error()));
    return 0;
  }
  LimitCalls(*order);
  line.Write(FrameKind::kReady,
             Encode(ReadyNote{(*model)->time_per_row(), std::string((*model)->warning())}));
  while (const std::optional<Frame> request = line.Read()) {
    if (request->kind != FrameKind::kRun) return kNonsense;
    Answer(**model, *request, line);
  }
  return 0;
}

}  // namespace podium::runtime
