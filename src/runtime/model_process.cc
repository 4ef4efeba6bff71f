#include "runtime/model_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "base/utf8.h"
#include "runtime/harm_limits.h"

namespace podium::runtime {
namespace {

constexpr std::size_t kLastWordsBytes = 300;

constexpr std::string_view kWarming = "while warming up";
constexpr std::string_view kAnswering = "while answering";

Harm Make(HarmKind kind, ErrorCode code, std::string_view text) {
  return {kind, Error{code, HarmText(text), "", nullptr}};
}

Harm OurTrouble(std::string_view what, int number) {
  return Make(
      HarmKind::kNotStarted, ErrorCode::kUnavailable,
      fmt::format("cannot start a process for the model: {}: {}", what, SystemReason(number)));
}

/// Of one valid character: the ASCII ones, and those of Latin-1, which some terminals obey.
bool IsControl(std::string_view character) {
  const auto lead = static_cast<unsigned char>(character.front());
  if (character.size() == 1) return lead < 0x20 || lead == 0x7F;
  return lead == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0;
}

/// The attributes and file actions of posix_spawn, freed together.
class SpawnPlan {
 public:
  SpawnPlan() {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
  }
  ~SpawnPlan() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  /// A group of its own, no signal blocked or ignored, and no descriptor but these.
  void Prepare(int socket, int errors) {
    ::posix_spawn_file_actions_adddup2(&actions_, socket, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, socket, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, errors, STDERR_FILENO);
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
    sigset_t none;
    sigset_t all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    constexpr auto kFlags =
        static_cast<short>(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    ::posix_spawnattr_setflags(&attributes_, kFlags);
  }
  int Spawn(pid_t& pid, const std::filesystem::path& program) {
    std::string name = "podium";
    std::string verb = kModelHostVerb;
    std::array<char*, 3> arguments = {name.data(), verb.data(), nullptr};
    std::string telemetry = "ORT_DISABLE_TELEMETRY=1";
    std::array<char*, 2> environment = {telemetry.data(), nullptr};
    return ::posix_spawn(&pid, program.c_str(), &actions_, &attributes_, arguments.data(),
                         environment.data());
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

std::string InGiB(std::uint64_t bytes) {
  constexpr double kMiB = 1024.0 * 1024.0;
  const double mib = static_cast<double>(bytes) / kMiB;
  return mib >= 1024 ? fmt::format("{:.3g} GiB", mib / 1024) : fmt::format("{:.3g} MiB", mib);
}

}  // namespace

std::string_view NameOf(HarmKind kind) {
  constexpr std::array<std::string_view, kHarmKinds> kNames = {"refused", "crash", "timeout",
                                                               "memory", "not_started"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string HarmText(std::string_view said) {
  constexpr std::string_view kNoCharacter = "\uFFFD";
  constexpr std::string_view kCut = "…";  // What Shortened adds.
  std::string text;
  // Not all of it is looked at: it may be as long as a frame.
  while (!said.empty() && text.size() <= limits::kMaxHarmTextBytes) {
    const std::size_t length = Utf8Length(said);
    const std::string_view character = said.substr(0, std::max<std::size_t>(length, 1));
    if (length == 0) {
      text += kNoCharacter;
    } else if (IsControl(character)) {
      text += ' ';
    } else {
      text += character;
    }
    said.remove_prefix(character.size());
  }
  if (text.size() <= limits::kMaxHarmTextBytes) return text;
  return Shortened(text, limits::kMaxHarmTextBytes - kCut.size());
}

std::filesystem::path ThisProgram() { return "/proc/self/exe"; }

std::string InSeconds(std::chrono::milliseconds period) {
  return fmt::format("{} s", std::chrono::duration<double>(period).count());
}

std::string SignalName(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return name == nullptr ? fmt::format("signal {}", signal) : fmt::format("SIG{}", name);
}

ChildResult<std::unique_ptr<ModelProcess>> ModelProcess::Start(const std::filesystem::path& program,
                                                               const Clock& clock) {
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) {
    return tl::unexpected(OurTrouble("no pair of sockets", errno));
  }
  const int errors = ::memfd_create("model-errors", MFD_CLOEXEC);
  SpawnPlan plan;
  plan.Prepare(pair[1], errors);
  pid_t pid = -1;
  const int failed = errors < 0 ? errno : plan.Spawn(pid, program);
  ::close(pair[1]);
  if (failed != 0) {
    ::close(pair[0]);
    if (errors >= 0) ::close(errors);
    return tl::unexpected(OurTrouble(program.string(), failed));
  }
  ::fcntl(pair[0], F_SETFL, O_NONBLOCK);
  return std::unique_ptr<ModelProcess>(new ModelProcess(pid, pair[0], errors, clock));
}

ModelProcess::~ModelProcess() {
  Kill();
  Reap();
  ::close(socket_);
  ::close(errors_);
}

void ModelProcess::Kill() {
  const std::lock_guard lock(mutex_);
  killed_ = true;
  if (!reaped_) ::kill(-pid_, SIGKILL);
}

int ModelProcess::Reap() {
  {
    const std::lock_guard lock(mutex_);
    if (reaped_) return wait_status_;
  }
  // Waits without taking the child away, so that Kill may still name it meanwhile.
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) != 0 &&
         errno == EINTR) {
  }
  const std::lock_guard lock(mutex_);
  ::waitpid(pid_, &wait_status_, 0);
  reaped_ = true;
  return wait_status_;
}

ChildResult<ReadyNote> ModelProcess::Verify(const VerifyOrder& order,
                                            std::chrono::milliseconds timeout) {
  memory_bytes_ = order.memory_bytes;
  std::string out = Sealed(FrameKind::kVerify, Encode(order));
  for (;;) {
    ChildResult<Frame> frame = Await(std::exchange(out, {}), timeout);
    if (!frame) return tl::unexpected(std::move(frame).error());
    if (frame->kind == FrameKind::kWarming) {
      doing_ = kWarming;
      continue;
    }
    if (frame->kind != FrameKind::kReady) return tl::unexpected(Refusal(*frame));
    doing_ = kAnswering;
    Result<ReadyNote> note = DecodeReady(frame->payload);
    if (!note) return tl::unexpected(Nonsense(note.error()));
    return std::move(*note);
  }
}

ChildResult<std::vector<Tensor>> ModelProcess::Run(std::span<const Tensor> inputs,
                                                   std::chrono::milliseconds timeout) {
  const std::string payload = Encode(inputs);
  if (payload.size() > limits::kMaxFrameBytes) {
    return tl::unexpected(Make(HarmKind::kNotStarted, ErrorCode::kTooLarge,
                               "the inputs are too large for the model's process"));
  }
  ChildResult<Frame> frame = Await(Sealed(FrameKind::kRun, payload), timeout);
  if (!frame) return tl::unexpected(std::move(frame).error());
  if (frame->kind != FrameKind::kAnswer) return tl::unexpected(Refusal(*frame));
  Result<std::vector<Tensor>> answer = DecodeTensors(frame->payload);
  if (!answer) return tl::unexpected(Nonsense(answer.error()));
  return std::move(*answer);
}

/// Sends `out`, then waits for one frame.
ChildResult<Frame> ModelProcess::Await(std::string out, std::chrono::milliseconds timeout) {
  const SteadyTime deadline = clock_.SteadyNow() + timeout;
  for (;;) {
    Result<std::optional<Frame>> frame = TakeFrame(received_);
    if (!frame) return tl::unexpected(Nonsense(frame.error()));
    if (*frame) return std::move(**frame);
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - clock_.SteadyNow()).count();
    pollfd ready{socket_, static_cast<short>(out.empty() ? POLLIN : POLLIN | POLLOUT), 0};
    const int count = left <= 0 ? 0 : ::poll(&ready, 1, static_cast<int>(left));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      Kill();
      return tl::unexpected(
          Make(HarmKind::kTimedOut, ErrorCode::kDeadline,
               fmt::format("took longer than {} {}", InSeconds(timeout), doing_)));
    }
    const bool alive = (ready.revents & POLLOUT) == 0 || Send(out);
    if ((ready.revents & (POLLIN | POLLHUP | POLLERR)) != 0 && !Receive()) {
      return tl::unexpected(Ended(out.empty()));
    }
    if (!alive) return tl::unexpected(Ended(/*sent=*/false));
  }
}

bool ModelProcess::Send(std::string& out) {
  const ssize_t count = ::send(socket_, out.data(), out.size(), MSG_NOSIGNAL);
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  out.erase(0, static_cast<std::size_t>(count));
  return true;
}

bool ModelProcess::Receive() {
  std::array<char, 64 * 1024> buffer{};
  const ssize_t count = ::recv(socket_, buffer.data(), buffer.size(), 0);
  unread_ = count < 0 && errno == ECONNRESET;  // How the system says so.
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  received_.append(buffer.data(), static_cast<std::size_t>(count));
  return count > 0;
}

/// The child has closed its end: it is dead, or dying. `sent`: all of the frame was.
Harm ModelProcess::Ended(bool sent) {
  const bool ours = killed_;
  const int status = Reap();
  if (ours) {
    return Make(HarmKind::kNotStarted, ErrorCode::kUnavailable,
                "the server is stopping: the model's process was ended");
  }
  if (const std::string words = LastWords(); !words.empty()) {
    LogWarning("last words of a model's process", {{"text", words}});
  }
  // Whatever it died of, this order or call cannot be the reason.
  if (!sent || unread_) {
    return Make(HarmKind::kNotStarted, ErrorCode::kUnavailable,
                "the model's process had ended before it was asked: try again");
  }
  if (WIFEXITED(status)) {
    return Make(HarmKind::kCrashed, ErrorCode::kUnprocessable,
                fmt::format("ended its process with exit code {} {}", WEXITSTATUS(status), doing_));
  }
  const int signal = WTERMSIG(status);
  if (signal == SIGXCPU) {
    return Make(HarmKind::kTimedOut, ErrorCode::kDeadline,
                fmt::format("used up its processor time {}", doing_));
  }
  // By a person, or by the system when the machine runs out of memory (model_host.cc offers the
  // child first), or since the thread that started it has ended. A model that exceeds its own limit
  // is told so by the allocator and reports it: see Refusal.
  if (signal == SIGKILL) {
    return Make(HarmKind::kNotStarted, ErrorCode::kUnavailable,
                fmt::format("the model's process was killed {}, as the system does when the "
                            "machine runs out of memory: try again",
                            doing_));
  }
  return Make(HarmKind::kCrashed, ErrorCode::kUnprocessable,
              fmt::format("crashed with {} {}", SignalName(signal), doing_));
}

/// The model failed with an error, and its process lives on.
Harm ModelProcess::Refusal(const Frame& frame) const {
  if (frame.kind != FrameKind::kFailed) {
    return Nonsense(
        {ErrorCode::kInternal, "the model's process answered out of turn", "", nullptr});
  }
  Result<Error> error = DecodeError(frame.payload);
  if (!error) return Nonsense(error.error());
  // The allocator's own words, whoever called it.
  const bool memory = error->message.find("bad_alloc") != std::string::npos ||
                      error->message.find("allocate memory") != std::string::npos;
  if (!memory || memory_bytes_ == 0) {
    return Make(HarmKind::kRefused, error->code, error->message);
  }
  const std::string needed =
      doing_ == kAnswering ? "needed more memory than one call may use"
                           : fmt::format("needed more than {} of memory", InGiB(memory_bytes_));
  return Make(HarmKind::kOutOfMemory, ErrorCode::kUnprocessable,
              fmt::format("{} {}: {}", needed, doing_, error->message));
}

Harm ModelProcess::Nonsense(const Error& error) const {
  return Make(HarmKind::kCrashed, ErrorCode::kUnprocessable,
              fmt::format("{} {}", error.message, doing_));
}

std::string ModelProcess::LastWords() const {
  const off_t size = ::lseek(errors_, 0, SEEK_END);
  const off_t from = std::max<off_t>(0, size - static_cast<off_t>(kLastWordsBytes));
  std::string text(kLastWordsBytes, '\0');
  const ssize_t count = ::pread(errors_, text.data(), text.size(), from);
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  return text;
}

}  // namespace podium::runtime
