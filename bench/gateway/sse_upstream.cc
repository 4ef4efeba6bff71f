// A provider of streams that costs next to nothing: every POST is answered by 100 chunks of a chat
// completion, one per millisecond for each stream, each in a write of its own.
//
//   sse_upstream [--ports N] [--chunks N] [--gap-us N]
//
// Prints its ports, one a line, then serves until it is ended. A path that contains "/idle/" gets
// the first chunk and nothing more, until the caller leaves.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace {

[[noreturn]] void Die(const char* what) {
  std::perror(what);
  std::exit(1);
}

std::string Chunked(const std::string& data) {
  const std::string frame = "data: " + data + "\n\n";
  char size[24];
  std::snprintf(size, sizeof(size), "%zx\r\n", frame.size());
  return size + frame + "\r\n";
}

std::string Chunk(const std::string& delta, const std::string& finish) {
  return Chunked(
      R"({"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1790000000,"model":"bench",)"
      R"("system_fingerprint":"fp_44709d6fcb","choices":[{"index":0,"delta":)" +
      delta + R"(,"logprobs":null,"finish_reason":)" + finish + "}],\"usage\":null}");
}

/// What a stream consists of, in the pieces that are written one at a time.
std::vector<std::string> Pieces(int chunks) {
  std::vector<std::string> pieces;
  pieces.push_back(
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n" +
      Chunk(R"({"role":"assistant","content":""})", "null") +
      Chunk(R"({"content":" word"})", "null"));
  for (int i = 1; i < chunks; ++i) pieces.push_back(Chunk(R"({"content":" word"})", "null"));
  pieces.push_back(
      Chunk("{}", "\"stop\"") +
      Chunked(
          R"({"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1790000000,)"
          R"("model":"bench","choices":[],"usage":{"prompt_tokens":200,"completion_tokens":100,)"
          R"("total_tokens":300}})") +
      Chunked("[DONE]") + "0\r\n\r\n");
  return pieces;
}

struct Caller {
  int socket = -1;
  std::string received;
  std::size_t next = 0;  // Of the pieces.
  bool idle = false;
};

class Server {
 public:
  Server(int ports, int chunks, long gap_us)
      : pieces_(Pieces(chunks)),
        epoll_(::epoll_create1(0)),
        timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK)) {
    ::prctl(PR_SET_TIMERSLACK, 1UL);
    for (int i = 0; i < ports; ++i) Listen();
    std::fflush(stdout);
    itimerspec when{};
    when.it_interval.tv_nsec = gap_us * 1000;
    when.it_value = when.it_interval;
    ::timerfd_settime(timer_, 0, &when, nullptr);
    Watch(timer_);
  }

  void Run() {
    while (true) {
      epoll_event events[256];
      const int count = ::epoll_wait(epoll_, events, 256, -1);
      for (int i = 0; i < count; ++i) Handle(events[i].data.fd);
    }
  }

 private:
  void Watch(int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) Die("epoll_ctl");
  }

  void Listen() {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    if (::bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0) Die("bind");
    if (::listen(listener, 4096) != 0) Die("listen");
    ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    std::printf("%d\n", ntohs(address.sin_port));
    listeners_.insert(listener);
    Watch(listener);
  }

  void Handle(int fd) {
    if (fd == timer_) return Tick();
    if (listeners_.contains(fd)) return Accept(fd);
    Read(*callers_.at(fd));
  }

  void Accept(int listener) {
    for (int fd; (fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK)) >= 0;) {
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      callers_[fd] = std::make_unique<Caller>(Caller{.socket = fd, .received = {}});
      Watch(fd);
    }
  }

  void Read(Caller& caller) {
    char buffer[16 * 1024];
    const auto bytes = ::recv(caller.socket, buffer, sizeof(buffer), 0);
    if (bytes < 0 && errno == EAGAIN) return;
    if (bytes <= 0) return Close(caller);
    caller.received.append(buffer, static_cast<std::size_t>(bytes));
    const std::size_t end = caller.received.find("\r\n\r\n");
    if (end == std::string::npos) return;
    if (caller.received.size() < end + 4 + LengthOf(caller.received.substr(0, end + 2))) return;
    caller.idle =
        caller.received.substr(0, caller.received.find("\r\n")).find("/idle/") != std::string::npos;
    caller.received.clear();
    caller.next = 0;
    Write(caller);  // The first token without waiting: how late it is at the caller is measured.
    if (!caller.idle) active_.insert(&caller);
  }

  static std::size_t LengthOf(const std::string& head) {
    for (const char* name : {"\r\nContent-Length: ", "\r\ncontent-length: "}) {
      const std::size_t at = head.find(name);
      if (at != std::string::npos) return std::strtoul(head.c_str() + at + 18, nullptr, 10);
    }
    return 0;
  }

  void Write(Caller& caller) {
    const std::string& piece = pieces_[caller.next++];
    (void)!::send(caller.socket, piece.data(), piece.size(), MSG_NOSIGNAL);
  }

  void Tick() {
    std::uint64_t expirations = 0;
    (void)!::read(timer_, &expirations, sizeof(expirations));
    for (auto at = active_.begin(); at != active_.end();) {
      Caller& caller = **at;
      Write(caller);
      at = caller.next == pieces_.size() ? active_.erase(at) : std::next(at);
    }
  }

  void Close(Caller& caller) {
    active_.erase(&caller);
    const int fd = caller.socket;
    ::close(fd);
    callers_.erase(fd);
  }

  const std::vector<std::string> pieces_;
  const int epoll_;
  const int timer_;
  std::set<int> listeners_;
  std::map<int, std::unique_ptr<Caller>> callers_;
  std::set<Caller*> active_;
};

}  // namespace

int main(int count, char** words) {
  std::map<std::string, long> given{{"--ports", 1}, {"--chunks", 100}, {"--gap-us", 1000}};
  for (int i = 1; i + 1 < count; i += 2) given[words[i]] = std::atol(words[i + 1]);
  Server(static_cast<int>(given["--ports"]), static_cast<int>(given["--chunks"]), given["--gap-us"])
      .Run();
}
