#include "journal/segment.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/assert.h"
#include "journal/frame.h"

namespace podium::journal {
namespace {

constexpr std::uint64_t kMagic = 0x314c4e524a444f50ULL;  // Changes with the layout.

struct FileHead {
  std::uint64_t magic;
  std::uint64_t incarnation;
  std::uint64_t number;
  std::uint64_t core;
  std::uint64_t salt;  // Checksum of the above, and what the checksums of the frames begin with.
};
static_assert(sizeof(FileHead) <= kSegmentHeadBytes);

FileHead HeadOf(const SegmentId& id) {
  FileHead head{kMagic, id.incarnation, id.number, id.core, 0};
  head.salt = XXH3_64bits(&head, offsetof(FileHead, salt));
  return head;
}

Failure Refused(const std::string& path, const char* what, int error) {
  return Fail(ErrorCode::kUnavailable, "the journal cannot {} {}: {}: make room or mend it", what,
              path, std::generic_category().message(error));
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

// A file under its real name has its head and its room: the reader never meets half a one.
Status Fill(const NewFile& file, const SegmentId& id, std::size_t bytes) {
  if (const int error = ::posix_fallocate(file.fd(), 0, static_cast<off_t>(bytes)); error != 0) {
    return Refused(file.path(), "take the room for", error);
  }
  const std::string head = SegmentHead(id);
  if (::pwrite(file.fd(), head.data(), head.size(), 0) != static_cast<ssize_t>(head.size())) {
    return Refused(file.path(), "write", errno);
  }
  if (::fdatasync(file.fd()) != 0) return Refused(file.path(), "write", errno);
  return {};
}

}  // namespace

std::string SegmentFileName(std::uint32_t core, std::uint64_t number) {
  return fmt::format("{:03}-{:010}.seg", core, number);
}

std::string SegmentHead(const SegmentId& id) {
  const FileHead head = HeadOf(id);
  std::string bytes(kSegmentHeadBytes, '\0');
  std::memcpy(bytes.data(), &head, sizeof head);
  return bytes;
}

Result<std::uint64_t> ReadSegmentHead(std::string_view bytes, const SegmentId& id) {
  const FileHead want = HeadOf(id);
  if (bytes.size() < kSegmentHeadBytes || std::memcmp(bytes.data(), &want, sizeof want) != 0) {
    return Fail(ErrorCode::kUnprocessable, "{} of the journal does not begin as it should",
                SegmentFileName(id.core, id.number));
  }
  return want.salt;
}

Result<std::unique_ptr<Segment>> Segment::Create(const std::string& folder, const SegmentId& id,
                                                 std::size_t bytes) {
  PODIUM_ASSERT(bytes >= kSegmentHeadBytes + kMaxFrameBytes);
  std::string path = folder + "/" + SegmentFileName(id.core, id.number);
  NewFile file(path + ".new");
  if (file.fd() < 0) return Refused(path, "create", errno);
  PODIUM_TRY(Fill(file, id, bytes));
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.fd(), 0);
  if (memory == MAP_FAILED) return Refused(path, "map", errno);
  std::unique_ptr<Segment> made(
      new Segment(id, path, {static_cast<char*>(memory), bytes}, HeadOf(id).salt));
  if (::rename(file.path().c_str(), path.c_str()) != 0) return Refused(path, "name", errno);
  file.Keep();
  return made;
}

Segment::Segment(const SegmentId& id, std::string path, std::span<char> bytes, std::uint64_t salt)
    : id_(id), path_(std::move(path)), bytes_(bytes), salt_(salt) {}

Segment::~Segment() { ::munmap(bytes_.data(), bytes_.size()); }

Status Segment::Sync() {
  const std::size_t end = committed();
  if (end == synced_) return {};
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const std::size_t from = synced_ / page * page;
  if (::msync(bytes_.data() + from, end - from, MS_SYNC) != 0) {
    return Refused(path_, "write out", errno);
  }
  synced_ = end;
  return {};
}

}  // namespace podium::journal
