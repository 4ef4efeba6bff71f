#include "runtime/artifact_upload.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace podium::runtime {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = ".upload-";

// Of the system call before it.
Failure CannotStore(const fs::path& directory) {
  const int code = errno;
  return Fail(ErrorCode::kUnavailable,
              "cannot store the artifact in {}: {}: mend that, then send it again (nothing of it "
              "was kept)",
              directory.string(), std::generic_category().message(code));
}

}  // namespace

ArtifactUpload::ArtifactUpload(fs::path directory, const std::string& token, UploadKind kind)
    : directory_(std::move(directory)),
      temporary_(directory_ / (std::string(kPrefix) + token)),
      kind_(kind) {}

ArtifactUpload::~ArtifactUpload() {
  if (file_ < 0) return;
  ::close(file_);
  std::error_code ignored;
  fs::remove(temporary_, ignored);
}

Status ArtifactUpload::Create() {
  std::error_code failed;
  fs::create_directories(directory_, failed);
  file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file_ < 0) return CannotStore(directory_);
  ::flock(file_, LOCK_EX);  // Says to SweepUploads that somebody is at work; ends with the process.
  return {};
}

Status ArtifactUpload::Append(std::string_view bytes) {
  if (file_ < 0) PODIUM_TRY(Create());
  hash_.Update(bytes);
  size_ += bytes.size();
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return CannotStore(directory_);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<std::string> ArtifactUpload::Finish(const std::string& expected) {
  if (size_ == 0 && !kind_.may_be_empty) {
    return Fail(ErrorCode::kInvalidArgument, "the artifact is empty");
  }
  if (file_ < 0) PODIUM_TRY(Create());
  std::string sha256 = ToHex(hash_.Finish());
  if (!expected.empty() && expected != sha256) {
    return Fail(ErrorCode::kInvalidArgument,
                "the bytes received have SHA-256 {}, not {}: send them again", sha256, expected);
  }
  const fs::path target = directory_ / (sha256 + std::string(kind_.suffix));
  std::error_code absent;
  if (kind_.keep_existing && fs::file_size(target, absent) == size_ && !absent) {
    fs::remove(temporary_, absent);
    return sha256;
  }
  if (::fsync(file_) != 0) return CannotStore(directory_);
  if (::rename(temporary_.c_str(), target.c_str()) != 0) return CannotStore(directory_);
  // The name is durable only once its directory is.
  const int directory = ::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0) {
    ::fsync(directory);
    ::close(directory);
  }
  return sha256;
}

void SweepUploads(const fs::path& directory) {
  std::error_code failed;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, failed)) {
    if (!entry.path().filename().string().starts_with(kPrefix)) continue;
    const int file = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0) continue;
    if (::flock(file, LOCK_EX | LOCK_NB) == 0) fs::remove(entry.path(), failed);
    ::close(file);
  }
}

}  // namespace podium::runtime
