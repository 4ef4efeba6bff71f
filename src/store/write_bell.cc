#include "store/write_bell.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace podium::store {
namespace {

int TimeoutOf(std::chrono::milliseconds duration) {
  constexpr std::chrono::milliseconds::rep kMost = INT_MAX;
  return static_cast<int>(std::clamp<std::chrono::milliseconds::rep>(duration.count(), 0, kMost));
}

}  // namespace

WriteBell::WriteBell()
    : stop_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      notices_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {}

WriteBell::~WriteBell() {
  if (stop_ >= 0) ::close(stop_);
  if (notices_ >= 0) ::close(notices_);
}

void WriteBell::ListenTo(const std::string& path) {
  if (notices_ < 0) return;
  watch_ = ::inotify_add_watch(notices_, path.c_str(), IN_MODIFY);
}

WriteBell::Heard WriteBell::Wait(std::chrono::milliseconds patience) {
  // The kernel passes over a descriptor below 0.
  std::array<pollfd, 2> both{{{stop_, POLLIN, 0}, {notices_, POLLIN, 0}}};
  (void)::poll(both.data(), both.size(), TimeoutOf(patience));
  if (stopped_) return Heard::kStop;
  return TakeWrites() ? Heard::kWrite : Heard::kNothing;
}

bool WriteBell::Rest(std::chrono::milliseconds duration) {
  pollfd stop{stop_, POLLIN, 0};
  (void)::poll(&stop, 1, TimeoutOf(duration));
  return !stopped_;
}

bool WriteBell::TakeWrites() {
  if (notices_ < 0) return false;
  bool written = false;
  alignas(inotify_event) std::array<char, 4096> notices;
  for (ssize_t bytes = 0; (bytes = ::read(notices_, notices.data(), notices.size())) > 0;) {
    for (std::size_t at = 0; at < static_cast<std::size_t>(bytes);) {
      inotify_event notice{};
      std::memcpy(&notice, notices.data() + at, sizeof(notice));
      at += sizeof(notice) + notice.len;
      // Too many at once: one of them will have been a write.
      written = written || (notice.mask & (IN_MODIFY | IN_Q_OVERFLOW)) != 0;
      if ((notice.mask & IN_IGNORED) != 0 && notice.wd == watch_) watch_ = -1;
    }
  }
  return written;
}

void WriteBell::Stop() {
  stopped_ = true;
  const std::uint64_t one = 1;
  (void)!::write(stop_, &one, sizeof(one));
}

}  // namespace podium::store
