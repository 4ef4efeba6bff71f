#include "base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <utility>

namespace podium {
namespace {

Failure FileRefused(const std::string& path, const char* what, int error) {
  return Fail(ErrorCode::kUnavailable, "cannot {} {}: {}: make room or mend it", what, path,
              SystemReason(error));
}

/// A file descriptor that is closed, and its file removed unless it was kept.
class NewFile {
 public:
  explicit NewFile(std::string path)
      : path_(std::move(path)),
        fd_(::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) {}
  ~NewFile() {
    if (fd_ < 0) return;
    ::close(fd_);
    if (!kept_) ::unlink(path_.c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  int fd() const { return fd_; }
  const std::string& path() const { return path_; }
  void Keep() { kept_ = true; }

 private:
  const std::string path_;
  const int fd_;
  bool kept_ = false;
};

// A file under its real name has its head and its room: a reader never meets half a one.
Status FillFile(const NewFile& file, std::string_view head, std::size_t bytes, Outlives outlives) {
  if (const int error = ::posix_fallocate(file.fd(), 0, static_cast<off_t>(bytes)); error != 0) {
    return FileRefused(file.path(), "take the room for", error);
  }
  if (::pwrite(file.fd(), head.data(), head.size(), 0) != static_cast<ssize_t>(head.size())) {
    return FileRefused(file.path(), "write", errno);
  }
  if (outlives == Outlives::kPowerCut && ::fdatasync(file.fd()) != 0) {
    return FileRefused(file.path(), "write", errno);
  }
  return {};
}

}  // namespace

Result<Mapping> MapRange(const std::string& path, int fd, std::size_t at, std::size_t bytes) {
  void* memory =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, static_cast<off_t>(at));
  if (memory == MAP_FAILED) return FileRefused(path, "map", errno);
  return Mapping({static_cast<char*>(memory), bytes});
}

Mapping::~Mapping() {
  if (!bytes_.empty()) ::munmap(bytes_.data(), bytes_.size());
}

Mapping::Mapping(Mapping&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  return *this;
}

Status Mapping::Sync(std::size_t from, std::size_t end) const {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  from = from / page * page;
  if (::msync(bytes_.data() + from, end - from, MS_SYNC) == 0) return {};
  return FileRefused("a mapped file", "write out", errno);
}

Result<Mapping> MapNewFile(const std::string& path, std::string_view head, std::size_t bytes,
                           Outlives outlives) {
  NewFile file(path + ".new");
  if (file.fd() < 0) return FileRefused(path, "create", errno);
  PODIUM_TRY(FillFile(file, head, bytes, outlives));
  PODIUM_TRY_ASSIGN(Mapping made, MapRange(path, file.fd(), 0, bytes));
  if (::rename(file.path().c_str(), path.c_str()) != 0) return FileRefused(path, "name", errno);
  file.Keep();
  return made;
}

Result<Mapping> MapMoreOf(const std::string& path, std::size_t at, std::size_t bytes) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return FileRefused(path, "open", errno);
  const int error = ::posix_fallocate(fd, static_cast<off_t>(at), static_cast<off_t>(bytes));
  Result<Mapping> more =
      error == 0 ? MapRange(path, fd, at, bytes) : FileRefused(path, "take the room for", error);
  ::close(fd);
  return more;
}

Mapping MapMemory(std::size_t bytes) {
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  return Mapping({static_cast<char*>(memory), bytes});
}

Status CheckDiskRoom(const std::string& folder, std::uint64_t wanted, std::uint64_t reserve) {
  struct statvfs disk{};
  if (::statvfs(folder.c_str(), &disk) != 0) return FileRefused(folder, "use", errno);
  const std::uint64_t room = std::uint64_t{disk.f_bavail} * disk.f_frsize;
  if (room >= reserve && room - reserve >= wanted) return {};
  return Fail(ErrorCode::kUnavailable,
              "the disk of {} has {} bytes free; {} are needed, and {} are left to the registry: "
              "make room",
              folder, room, wanted, reserve);
}

}  // namespace podium
