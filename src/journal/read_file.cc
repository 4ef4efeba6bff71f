#include "journal/read_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace podium::journal {
namespace {

Failure CannotRead(const std::string& path, int error) {
  return Fail(ErrorCode::kUnavailable, "the journal cannot read {}: {}: mend the disk or the file",
              path, std::generic_category().message(error));
}

Result<std::string> ReadAll(int fd, const std::string& path) {
  std::string bytes;
  std::array<char, 64 * 1024> piece{};
  while (true) {
    const ssize_t size = ::read(fd, piece.data(), piece.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return CannotRead(path, errno);
    if (size == 0) return bytes;
    bytes.append(piece.data(), static_cast<std::size_t>(size));
    if (bytes.size() > limits::kMaxJournalFileBytes) {
      return Fail(ErrorCode::kUnprocessable, "{} has more than {} bytes: it is none of a journal",
                  path, limits::kMaxJournalFileBytes);
    }
  }
}

}  // namespace

Result<std::optional<std::string>> ReadFile(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return std::optional<std::string>();
  if (fd < 0) return CannotRead(path, errno);
  Result<std::string> bytes = ReadAll(fd, path);
  ::close(fd);
  if (!bytes) return Fail(std::move(bytes).error());
  return std::optional(std::move(*bytes));
}

}  // namespace podium::journal
