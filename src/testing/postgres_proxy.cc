#include "testing/postgres_proxy.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <utility>

#include "base/assert.h"

namespace podium::testing {
namespace {

constexpr const char* kSocketName = "/.s.PGSQL.5432";

sockaddr_un AddressOf(const std::string& directory) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = directory + kSocketName;
  PODIUM_ASSERT(path.size() < sizeof address.sun_path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

/// Finds the ends of messages in a stream: a type, except in the first of a client, and a length.
class Messages {
 public:
  explicit Messages(bool starts_untyped) : untyped_(starts_untyped) {}

  /// The types of the messages that end within these bytes; 0 for one without.
  std::string Read(const char* bytes, std::size_t count) {
    pending_.append(bytes, count);
    std::string ended;
    while (true) {
      const std::size_t head = untyped_ ? 0 : 1;
      if (pending_.size() < head + 4) return ended;
      std::size_t length = 0;
      for (std::size_t i = 0; i < 4; ++i) {
        length = length * 256 + static_cast<unsigned char>(pending_[head + i]);
      }
      if (pending_.size() < head + length) return ended;
      ended += untyped_ ? '\0' : pending_[0];
      pending_.erase(0, head + length);
      untyped_ = false;
    }
  }

 private:
  bool untyped_;
  std::string pending_;
};

bool SendAll(int socket, const char* bytes, std::size_t count) {
  while (count > 0) {
    const ssize_t sent = ::send(socket, bytes, count, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes += sent;
    count -= static_cast<std::size_t>(sent);
  }
  return true;
}

}  // namespace

struct PostgresProxy::Pair {
  int client;
  int server;
  Messages asked{/*starts_untyped=*/true};
  Messages answered{/*starts_untyped=*/false};
  bool answer_is_lost = false;
};

PostgresProxy::PostgresProxy(std::string server) : server_(std::move(server)) {
  listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_un address = AddressOf(folder_.path());
  PODIUM_ASSERT(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
                0);
  PODIUM_ASSERT(::listen(listener_, SOMAXCONN) == 0);
  PODIUM_ASSERT(::pipe(wake_) == 0);
  thread_ = std::thread([this] { Carry(); });
}

PostgresProxy::~PostgresProxy() {
  ::close(wake_[1]);
  thread_.join();
  ::close(wake_[0]);
  ::close(listener_);
}

std::string PostgresProxy::Through(const std::string& url) const {
  std::string through = url;
  return through.replace(through.find(server_), server_.size(), folder_.path());
}

void PostgresProxy::Arm(int nth, Cut cut, bool stays) {
  struck_ = false;
  cut_ = cut;
  stays_ = stays;
  left_ = nth;
}

bool PostgresProxy::Disarm() {
  left_ = 0;
  stays_ = false;
  return struck_;
}

// One request more has come; whether it is the one.
bool PostgresProxy::Reached() {
  int left = left_;
  if (left == 0 || !left_.compare_exchange_strong(left, left - 1) || left != 1) return false;
  struck_ = true;
  return true;
}

void PostgresProxy::Accept() {
  const int client = ::accept(listener_, nullptr, nullptr);
  if (client < 0) return;
  const int server = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_un address = AddressOf(server_);
  const bool open =
      !(struck_ && stays_) &&
      ::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  if (open) {
    pairs_.push_back(Pair{client, server});
  } else {
    ::close(client);
    ::close(server);
  }
}

bool PostgresProxy::Forward(Pair& pair) {
  std::array<char, 65536> bytes;
  const ssize_t count = ::recv(pair.client, bytes.data(), bytes.size(), 0);
  if (count <= 0) return false;
  for (const char type : pair.asked.Read(bytes.data(), static_cast<std::size_t>(count))) {
    const bool is_request = type == 'Q' || type == 'S';
    if (!is_request || !Reached()) continue;
    if (cut_ == Cut::kRequest) return false;
    pair.answer_is_lost = true;
  }
  return SendAll(pair.server, bytes.data(), static_cast<std::size_t>(count));
}

bool PostgresProxy::Return(Pair& pair) {
  std::array<char, 65536> bytes;
  const ssize_t count = ::recv(pair.server, bytes.data(), bytes.size(), 0);
  if (count <= 0) return false;
  const std::string types = pair.answered.Read(bytes.data(), static_cast<std::size_t>(count));
  if (!pair.answer_is_lost) {
    return SendAll(pair.client, bytes.data(), static_cast<std::size_t>(count));
  }
  return types.find('Z') == std::string::npos;  // Done, and nobody will hear of it.
}

void PostgresProxy::Carry() {
  while (true) {
    std::vector<pollfd> sockets = {{wake_[0], POLLIN, 0}, {listener_, POLLIN, 0}};
    for (const Pair& pair : pairs_) {
      sockets.push_back({pair.client, POLLIN, 0});
      sockets.push_back({pair.server, POLLIN, 0});
    }
    if (::poll(sockets.data(), sockets.size(), -1) < 0) continue;
    if (sockets[0].revents != 0) break;
    std::vector<Pair> kept;
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      Pair& pair = pairs_[i];
      bool lives = true;
      if (sockets[2 + 2 * i].revents != 0) lives = Forward(pair);
      if (lives && sockets[3 + 2 * i].revents != 0) lives = Return(pair);
      if (struck_ && stays_ && !pair.answer_is_lost) lives = false;
      if (lives) {
        kept.push_back(std::move(pair));
      } else {
        ::close(pair.client);
        ::close(pair.server);
      }
    }
    pairs_ = std::move(kept);
    if (sockets[1].revents != 0) Accept();
  }
  for (const Pair& pair : pairs_) {
    ::close(pair.client);
    ::close(pair.server);
  }
}

}  // namespace podium::testing
