// Requests at a constant rate, whatever the server does: latency counts from the moment at which a
// request was due, not from when there was a free connection for it, so a stall is seen by all the
// requests that it delayed.
//
//   open_loop --port PORT --path PATH --body FILE --rate PER_SECOND --seconds S
//             [--connections N] [--host ADDRESS] [--answers FILE] [--headers TEXT]
//
// --headers: more lines of the head, each with its CR LF.
// Prints one JSON object. --answers writes a line for each answer: wall-clock microseconds at which
// it was due, sent and read, its x-podium-generation and its x-podium-version.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
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

constexpr std::chrono::seconds kPatience{20};  ///< For answers still out when the last was sent.

struct Plan {
  std::string host = "127.0.0.1";
  int port = 0;
  std::string path = "/";
  std::string body;
  double rate = 0;
  double seconds = 0;
  int connections = 64;
  std::string answers;
  std::string headers;
};

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "open_loop: %s\n", what.c_str());
  std::exit(1);
}

Plan Parse(int count, char** words) {
  std::map<std::string, std::string> given;
  for (int i = 1; i + 1 < count; i += 2) given[words[i]] = words[i + 1];
  Plan plan;
  const auto take = [&](const char* name, const std::string& fallback) {
    const auto found = given.find(name);
    return found == given.end() ? fallback : found->second;
  };
  plan.host = take("--host", plan.host);
  plan.port = std::atoi(take("--port", "0").c_str());
  plan.path = take("--path", plan.path);
  plan.rate = std::atof(take("--rate", "0").c_str());
  plan.seconds = std::atof(take("--seconds", "0").c_str());
  plan.connections = std::atoi(take("--connections", "64").c_str());
  plan.answers = take("--answers", "");
  plan.headers = take("--headers", "");
  std::ifstream file(take("--body", ""), std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  plan.body = text.str();
  if (plan.port <= 0 || plan.rate <= 0 || plan.seconds <= 0 || plan.connections <= 0 || !file) {
    Die("--port, --path, --body, --rate and --seconds are needed");
  }
  return plan;
}

std::string_view HeaderOf(std::string_view head, std::string_view name) {
  std::size_t at = 0;
  while ((at = head.find("\r\n", at)) != std::string_view::npos) {
    at += 2;
    if (head.size() - at <= name.size() || head[at + name.size()] != ':') continue;
    if (::strncasecmp(head.data() + at, name.data(), name.size()) != 0) continue;
    std::string_view value = head.substr(at + name.size() + 1);
    value = value.substr(0, value.find("\r\n"));
    while (value.starts_with(' ')) value.remove_prefix(1);
    return value;
  }
  return {};
}

bool IsWhole(std::string_view all, std::size_t head_end, std::string_view head) {
  if (HeaderOf(head, "transfer-encoding") == "chunked") return all.ends_with("\r\n0\r\n\r\n");
  const std::string length(HeaderOf(head, "content-length"));
  return all.size() >= head_end + 4 + std::strtoul(length.c_str(), nullptr, 10);
}

struct Connection {
  int socket = -1;
  bool busy = false;
  Steady::time_point due;
  Steady::time_point sent;
  std::string received;
};

class Loop {
 public:
  explicit Loop(Plan plan)
      : plan_(std::move(plan)),
        request_("POST " + plan_.path + " HTTP/1.1\r\n" + plan_.headers + "Host: " + plan_.host +
                 "\r\nContent-Type: application/json\r\nContent-Length: " +
                 std::to_string(plan_.body.size()) + "\r\n\r\n" + plan_.body),
        epoll_(::epoll_create1(0)),
        timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK)) {
    ::prctl(PR_SET_TIMERSLACK, 1UL);
    Watch(timer_, -1);
    connections_.resize(static_cast<std::size_t>(plan_.connections));
    for (int i = 0; i < plan_.connections; ++i) Open(i);
    if (!plan_.answers.empty()) answers_.open(plan_.answers);
  }

  int Run() {
    start_ = Steady::now();
    wall_offset_ = std::chrono::system_clock::now().time_since_epoch() - start_.time_since_epoch();
    total_ = static_cast<std::int64_t>(plan_.rate * plan_.seconds);
    const auto end = start_ + std::chrono::duration_cast<nanoseconds>(
                                  std::chrono::duration<double>(plan_.seconds) + kPatience);
    ArmTimer();
    while (answered_ + failed_ < total_ && Steady::now() < end) {
      epoll_event events[256];
      const int count = ::epoll_wait(epoll_, events, 256, 1000);
      for (int i = 0; i < count; ++i) {
        if (events[i].data.fd == -1) {
          Tick();
        } else {
          Read(connections_[static_cast<std::size_t>(events[i].data.fd)]);
        }
      }
      SendDue();
    }
    Report();
    return answered_ == total_ && failed_ == 0 ? 0 : 1;
  }

 private:
  void Watch(int fd, int index) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = index;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) Die("epoll_ctl failed");
  }

  void Open(int index) {
    Connection& connection = connections_[static_cast<std::size_t>(index)];
    connection.socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(plan_.port));
    ::inet_pton(AF_INET, plan_.host.c_str(), &address.sin_addr);
    if (::connect(connection.socket, reinterpret_cast<const sockaddr*>(&address),
                  sizeof(address)) != 0) {
      Die(std::string("cannot connect: ") + std::strerror(errno));
    }
    const int on = 1;
    ::setsockopt(connection.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    ::fcntl(connection.socket, F_SETFL, O_NONBLOCK);
    Watch(connection.socket, index);
    idle_.push_back(&connection);
  }

  Steady::time_point DueAt(std::int64_t number) const {
    return start_ +
           nanoseconds(static_cast<std::int64_t>(1e9 * static_cast<double>(number) / plan_.rate));
  }

  void ArmTimer() {
    const auto due = DueAt(sent_).time_since_epoch();
    itimerspec when{};
    when.it_value.tv_sec = std::chrono::duration_cast<std::chrono::seconds>(due).count();
    when.it_value.tv_nsec = std::chrono::duration_cast<nanoseconds>(due).count() % 1'000'000'000;
    ::timerfd_settime(timer_, TFD_TIMER_ABSTIME, &when, nullptr);
  }

  void Tick() {
    std::uint64_t expirations = 0;
    (void)!::read(timer_, &expirations, sizeof(expirations));
  }

  void SendDue() {
    bool any = false;
    while (sent_ < total_ && !idle_.empty() && DueAt(sent_) <= Steady::now()) {
      Connection& connection = *idle_.back();  // The one used last: its cache lines are warm.
      idle_.pop_back();
      connection.busy = true;
      connection.due = DueAt(sent_++);
      connection.sent = Steady::now();
      any = true;
      const auto bytes = ::send(connection.socket, request_.data(), request_.size(), MSG_NOSIGNAL);
      if (bytes != static_cast<ssize_t>(request_.size())) Die("a request could not be sent whole");
    }
    if (any && sent_ < total_) ArmTimer();
  }

  void Read(Connection& connection) {
    char buffer[16 * 1024];
    const auto bytes = ::recv(connection.socket, buffer, sizeof(buffer), 0);
    if (bytes < 0 && errno == EAGAIN) return;
    if (bytes <= 0) Die("the server closed a connection");
    connection.received.append(buffer, static_cast<std::size_t>(bytes));
    const std::string_view all = connection.received;
    const std::size_t end = all.find("\r\n\r\n");
    if (end == std::string_view::npos) return;
    const std::string_view head = all.substr(0, end + 2);
    if (!IsWhole(all, end, head)) return;
    Take(connection, head);
    connection.received.clear();
    connection.busy = false;
    idle_.push_back(&connection);
  }

  void Take(const Connection& connection, std::string_view head) {
    const auto now = Steady::now();
    if (head.starts_with("HTTP/1.1 200")) {
      ++answered_;
    } else {
      ++failed_;
    }
    from_due_.Record(now - connection.due);
    from_sent_.Record(now - connection.sent);
    if (!answers_.is_open()) return;
    const auto micros = [this](Steady::time_point time) {
      return (time.time_since_epoch() + wall_offset_).count() / 1000;
    };
    answers_ << micros(connection.due) << ' ' << micros(connection.sent) << ' ' << micros(now)
             << ' ' << HeaderOf(head, "x-podium-generation") << ' '
             << HeaderOf(head, "x-podium-version") << '\n';
  }

  void Report() const {
    const podium::HistogramSnapshot due = from_due_.Snapshot();
    const podium::HistogramSnapshot sent = from_sent_.Snapshot();
    const auto us = [](const podium::HistogramSnapshot& of, double q) {
      return static_cast<double>(of.Quantile(q).count()) / 1000.0;
    };
    std::printf(
        "{\"rate\": %.0f, \"due\": %ld, \"answered\": %ld, \"failed\": %ld, "
        "\"p50_us\": %.1f, \"p90_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f, "
        "\"max_us\": %.1f, \"p50_from_send_us\": %.1f, \"p99_from_send_us\": %.1f}\n",
        plan_.rate, total_, answered_, failed_, us(due, 0.5), us(due, 0.9), us(due, 0.99),
        us(due, 0.999), us(due, 1.0), us(sent, 0.5), us(sent, 0.99));
  }

  const Plan plan_;
  const std::string request_;
  const int epoll_;
  const int timer_;
  std::vector<Connection> connections_;
  std::vector<Connection*> idle_;
  std::ofstream answers_;
  Steady::time_point start_;
  nanoseconds wall_offset_{0};
  std::int64_t total_ = 0;
  std::int64_t sent_ = 0;
  std::int64_t answered_ = 0;
  std::int64_t failed_ = 0;
  podium::Histogram from_due_;
  podium::Histogram from_sent_;
};

}  // namespace

int main(int count, char** words) { return Loop(Parse(count, words)).Run(); }
