#include "base/whole_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace podium {
namespace {

Failure CannotRead(const std::string& path, int error) {
  return Fail(ErrorCode::kUnavailable, "cannot read {}: {}: mend the disk or the file", path,
              SystemReason(error));
}

Result<std::string> ReadToEnd(int fd, const std::string& path, std::size_t most_bytes) {
  std::string bytes;
  std::array<char, 64 * 1024> piece{};
  while (true) {
    const ssize_t size = ::read(fd, piece.data(), piece.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return CannotRead(path, errno);
    if (size == 0) return bytes;
    bytes.append(piece.data(), static_cast<std::size_t>(size));
    if (bytes.size() > most_bytes) {
      return Fail(ErrorCode::kUnprocessable, "{} has more than {} bytes: it is none of ours", path,
                  most_bytes);
    }
  }
}

}  // namespace

Result<std::optional<std::string>> ReadWholeFile(const std::string& path, std::size_t most_bytes) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return std::optional<std::string>();
  if (fd < 0) return CannotRead(path, errno);
  Result<std::string> bytes = ReadToEnd(fd, path, most_bytes);
  ::close(fd);
  if (!bytes) return Fail(std::move(bytes).error());
  return std::optional(std::move(*bytes));
}

}  // namespace podium
