// Callers of streams: begun at a constant rate, or opened once and held.
//
//   stream_load --port PORT --path PATH --body FILE --rate PER_SECOND --seconds S [--connections N]
//   stream_load --port PORT --path PATH --body FILE --hold N
//
// --headers TEXT: more lines of the head, each with its CR LF.
// Prints one JSON object: how many streams came whole, how many frames with content they had, and
// when the first of these came, counted from the sending. With --hold, once each of the N streams
// has its first; then it waits until its stdin ends.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/histogram.h"

namespace {

using std::chrono::nanoseconds;
using Steady = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{20};
constexpr std::string_view kToken = "\"content\":\" word\"";
constexpr std::string_view kEnd = "\r\n0\r\n\r\n";

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "stream_load: %s\n", what.c_str());
  std::exit(1);
}

struct Connection {
  int socket = -1;
  Steady::time_point sent;
  bool first_seen = false;
  std::string tail;  ///< What may be the beginning of a frame or of the end.
};

class Load {
 public:
  Load(std::map<std::string, std::string> given, const std::string& body)
      : port_(std::atoi(given["--port"].c_str())),
        rate_(std::atof(given["--rate"].c_str())),
        seconds_(std::atof(given["--seconds"].c_str())),
        hold_(std::atoi(given["--hold"].c_str())),
        request_("POST " + given["--path"] + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" +
                 given["--headers"] + "Content-Type: application/json\r\nContent-Length: " +
                 std::to_string(body.size()) + "\r\n\r\n" + body),
        epoll_(::epoll_create1(0)),
        timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK)) {
    ::prctl(PR_SET_TIMERSLACK, 1UL);
    const int wanted =
        given.contains("--connections") ? std::atoi(given["--connections"].c_str()) : 64;
    connections_.resize(static_cast<std::size_t>(hold_ > 0 ? hold_ : wanted));
    for (std::size_t i = 0; i < connections_.size(); ++i) Open(i);
  }

  int Run() { return hold_ > 0 ? Hold() : AtRate(); }

 private:
  void Watch(int fd, std::uint64_t index) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = index;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) Die("epoll_ctl failed");
  }

  void Open(std::size_t index) {
    Connection& connection = connections_[index];
    connection.socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port_));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(connection.socket, reinterpret_cast<const sockaddr*>(&address),
                  sizeof(address)) != 0) {
      Die(std::string("cannot connect: ") + std::strerror(errno));
    }
    const int on = 1;
    ::setsockopt(connection.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    ::fcntl(connection.socket, F_SETFL, O_NONBLOCK);
    Watch(connection.socket, index);
    idle_.push_back(index);
  }

  void Send(Connection& connection) {
    connection.first_seen = false;
    connection.tail.clear();
    connection.sent = Steady::now();
    const auto bytes = ::send(connection.socket, request_.data(), request_.size(), MSG_NOSIGNAL);
    if (bytes != static_cast<ssize_t>(request_.size())) Die("a request could not be sent whole");
  }

  /// True when the stream has ended.
  bool Read(Connection& connection) {
    char buffer[64 * 1024];
    const auto bytes = ::recv(connection.socket, buffer, sizeof(buffer), 0);
    if (bytes < 0 && errno == EAGAIN) return false;
    if (bytes <= 0) Die("the server closed a connection");
    std::string& text = connection.tail.append(buffer, static_cast<std::size_t>(bytes));
    if (!Accepted(connection, text)) Die("refused: " + text.substr(0, 400));
    std::size_t from = 0;
    for (std::size_t at; (at = text.find(kToken, from)) != std::string::npos;) {
      if (!connection.first_seen) first_.Record(Steady::now() - connection.sent);
      first_count_ += connection.first_seen ? 0 : 1;
      connection.first_seen = true;
      ++tokens_;
      from = at + kToken.size();
    }
    const bool ended = std::string_view(text).ends_with(kEnd);
    const std::size_t keep = std::max(from, text.size() - std::min(text.size(), kToken.size() - 1));
    text.erase(0, keep);
    return ended;
  }

  static bool Accepted(const Connection& connection, const std::string& text) {
    return connection.first_seen || text.size() < 12 || !text.starts_with("HTTP/1.1 ") ||
           text.starts_with("HTTP/1.1 200");
  }

  int AtRate() {
    const auto total = static_cast<std::int64_t>(rate_ * seconds_);
    const auto start = Steady::now();
    const auto due = [&](std::int64_t number) {
      return start +
             nanoseconds(static_cast<std::int64_t>(1e9 * static_cast<double>(number) / rate_));
    };
    const auto end = due(total) + kPatience;
    Watch(timer_, kTimer);
    std::int64_t sent = 0, whole = 0;
    while (whole < total && Steady::now() < end) {
      for (; sent < total && !idle_.empty() && due(sent) <= Steady::now(); ++sent) {
        Send(connections_[idle_.back()]);
        idle_.pop_back();
      }
      if (sent < total) ArmTimer(due(sent));
      epoll_event events[256];
      const int count = ::epoll_wait(epoll_, events, 256, 1000);
      for (int i = 0; i < count; ++i) {
        if (events[i].data.u64 == kTimer) {
          std::uint64_t expirations = 0;
          (void)!::read(timer_, &expirations, sizeof(expirations));
        } else if (Read(connections_[events[i].data.u64])) {
          ++whole;
          idle_.push_back(events[i].data.u64);
        }
      }
    }
    Report(whole, total);
    return whole == total ? 0 : 1;
  }

  int Hold() {
    const auto end = Steady::now() + kPatience * 3;
    std::size_t sent = 0;
    while (first_count_ < connections_.size() && Steady::now() < end) {
      // Not all at once: what is measured is that they stand, not how they come.
      for (int i = 0; i < 50 && sent < connections_.size(); ++i) Send(connections_[sent++]);
      epoll_event events[256];
      const int count = ::epoll_wait(epoll_, events, 256, 5);
      for (int i = 0; i < count; ++i) Read(connections_[events[i].data.u64]);
    }
    Report(static_cast<std::int64_t>(first_count_), hold_);
    char nothing = 0;
    while (::read(STDIN_FILENO, &nothing, 1) > 0) {
    }
    return first_count_ == connections_.size() ? 0 : 1;
  }

  void ArmTimer(Steady::time_point due) {
    const auto time = due.time_since_epoch();
    itimerspec when{};
    when.it_value.tv_sec = std::chrono::duration_cast<std::chrono::seconds>(time).count();
    when.it_value.tv_nsec = std::chrono::duration_cast<nanoseconds>(time).count() % 1'000'000'000;
    ::timerfd_settime(timer_, TFD_TIMER_ABSTIME, &when, nullptr);
  }

  void Report(std::int64_t whole, std::int64_t due) const {
    const podium::HistogramSnapshot first = first_.Snapshot();
    const auto us = [&](double q) {
      return static_cast<double>(first.Quantile(q).count()) / 1000.0;
    };
    std::printf(
        "{\"due\": %ld, \"streams\": %ld, \"tokens\": %ld, \"first_p50_us\": %.1f, "
        "\"first_p99_us\": %.1f}\n",
        due, whole, tokens_, us(0.5), us(0.99));
    std::fflush(stdout);
  }

  static constexpr std::uint64_t kTimer = ~std::uint64_t{0};

  const int port_;
  const double rate_;
  const double seconds_;
  const int hold_;
  const std::string request_;
  const int epoll_;
  const int timer_;
  std::vector<Connection> connections_;
  std::vector<std::size_t> idle_;
  podium::Histogram first_;
  std::size_t first_count_ = 0;
  std::int64_t tokens_ = 0;
};

}  // namespace

int main(int count, char** words) {
  std::map<std::string, std::string> given;
  for (int i = 1; i + 1 < count; i += 2) given[words[i]] = words[i + 1];
  std::ifstream file(given["--body"], std::ios::binary);
  std::stringstream body;
  body << file.rdbuf();
  if (!file || given["--port"].empty() || given["--path"].empty() ||
      (given["--rate"].empty() && given["--hold"].empty())) {
    Die("--port, --path, --body and --rate with --seconds, or --hold, are needed");
  }
  return Load(given, body.str()).Run();
}
