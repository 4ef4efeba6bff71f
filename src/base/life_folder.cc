#include "base/life_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

namespace podium {
namespace {

namespace fs = std::filesystem;

Failure FolderRefused(const std::string& path, const std::string& why) {
  return Fail(ErrorCode::kUnavailable, "cannot use the folder {}: {}", path, why);
}

int OpenFolder(const std::string& path) {
  return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

bool Lock(int folder) { return ::flock(folder, LOCK_EX | LOCK_NB) == 0; }

// Whoever had the lock before may have removed it.
bool IsThere(int folder) {
  struct stat found{};
  return ::fstat(folder, &found) == 0 && found.st_nlink > 0;
}

}  // namespace

Result<LifeFolder> LifeFolder::Make(const std::string& root, const std::string& name) {
  const std::string path = root + "/" + name;
  const std::string fresh = path + ".new";
  std::error_code failed;
  fs::create_directories(fresh, failed);
  if (failed) return FolderRefused(path, failed.message());
  fs::permissions(fresh, fs::perms::owner_all, failed);
  LifeFolder made(path, OpenFolder(fresh));
  if (made.lock_ < 0 || !Lock(made.lock_) || std::rename(fresh.c_str(), path.c_str()) != 0) {
    return FolderRefused(path, SystemReason(errno));
  }
  return made;
}

Result<std::optional<LifeFolder>> LifeFolder::Take(const std::string& path) {
  LifeFolder taken(path, OpenFolder(path));
  if (taken.lock_ < 0 && errno != ENOENT) return FolderRefused(path, SystemReason(errno));
  if (taken.lock_ < 0 || !Lock(taken.lock_) || !IsThere(taken.lock_)) {
    return std::optional<LifeFolder>();
  }
  return std::optional(std::move(taken));
}

LifeFolder::LifeFolder(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}

LifeFolder::LifeFolder(LifeFolder&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

LifeFolder::~LifeFolder() {
  if (lock_ >= 0) ::close(lock_);
}

void LifeFolder::Remove() const {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace podium
