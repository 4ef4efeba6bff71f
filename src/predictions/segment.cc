#include "predictions/segment.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <utility>

#include "base/json.h"
#include "base/log.h"
#include "predictions/record.h"

namespace podium::predictions {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDatePrefix = "date=";
constexpr std::size_t kDateBytes = 15;  // "date=2026-03-09"
constexpr std::size_t kTimeDigits = 14;
constexpr int kHexBase = 16;
constexpr std::string_view kPackingSuffix = ".ndjson.packing";
constexpr std::size_t kSliceBytes = 256 * 1024;
constexpr mode_t kFileMode = 0640;

std::string PathOf(const std::string& folder, std::string_view name, std::string_view suffix) {
  return fmt::format("{}/{}{}", folder, name, suffix);
}

Failure CannotWrite(const std::string& path) {
  return Fail(ErrorCode::kUnavailable, "the prediction log {} cannot be written: {}", path,
              SystemReason(errno));
}

Status WriteAll(int descriptor, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return CannotWrite(path);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

Result<std::string> ReadAt(int descriptor, std::uint64_t offset, std::size_t most) {
  std::string bytes(most, '\0');
  ssize_t count = -1;
  do {
    count = ::pread(descriptor, bytes.data(), most, static_cast<off_t>(offset));
  } while (count < 0 && errno == EINTR);
  if (count < 0) {
    return Fail(ErrorCode::kUnavailable, "a segment cannot be read: {}", SystemReason(errno));
  }
  bytes.resize(static_cast<std::size_t>(count));
  return bytes;
}

// So that a name is on the disk, and not only what it names.
void SyncFolder(const std::string& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

// A payload is as deep as JSON may be, and its line one deeper: such a line is judged by what the
// index reads of it, and by its end. Zeros are what a power cut leaves; no line has any.
bool IsWholeLine(std::string_view line) {
  if (!line.starts_with('{') || !line.ends_with('}')) return false;
  if (line.find('\0') != std::string_view::npos) return false;
  if (RowOfLine(line)) return true;
  const Result<Json> json = ParseJson(line);
  return json && json->is_object();
}

std::string DateOf(WallTime time) {
  return FormatUtc(time).substr(0, kDateBytes - kDatePrefix.size());
}

}  // namespace

std::string SegmentName(WallTime opened, std::string_view replica) {
  return fmt::format("{}{}/{}-{:014x}", kDatePrefix, DateOf(opened), replica,
                     static_cast<std::uint64_t>(std::max<std::int64_t>(MicrosOf(opened), 0)));
}

std::optional<std::string> ReplicaOfSegment(std::string_view name) {
  if (!name.starts_with(kDatePrefix) || name.size() <= kDateBytes + kTimeDigits + 2 ||
      name[kDateBytes] != '/') {
    return std::nullopt;
  }
  const std::string_view date = name.substr(kDatePrefix.size(), kDateBytes - kDatePrefix.size());
  const bool is_date =
      std::ranges::all_of(date, [](char c) { return c == '-' || (c >= '0' && c <= '9'); });
  const std::string_view file = name.substr(kDateBytes + 1);
  const std::size_t dash = file.size() - kTimeDigits - 1;
  const std::string_view digits = file.substr(dash + 1);
  const bool is_time = std::ranges::all_of(
      digits, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  const std::string_view replica = file.substr(0, dash);
  const bool is_plain = replica.find('/') == std::string_view::npos &&
                        replica.find('\0') == std::string_view::npos && !replica.starts_with('.');
  if (!is_date || !is_time || !is_plain || file[dash] != '-') return std::nullopt;
  return std::string(replica);
}

WallTime OpenedOfSegment(std::string_view name) {
  const std::string_view digits = name.substr(name.size() - kTimeDigits);
  std::int64_t micros = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), micros, kHexBase);
  return WallTimeOf(micros);
}

std::vector<SegmentFile> ListSegments(const std::string& folder) {
  std::vector<SegmentFile> files;
  std::error_code failed;
  for (fs::directory_iterator day(folder, failed), end; !failed && day != end;
       day.increment(failed)) {
    std::error_code unread;
    for (fs::directory_iterator file(day->path(), unread), last; !unread && file != last;
         file.increment(unread)) {
      std::string name =
          fmt::format("{}/{}", day->path().filename().string(), file->path().filename().string());
      const bool open = name.ends_with(kOpenSuffix);
      if (!open && !name.ends_with(kClosedSuffix)) continue;
      name.resize(name.size() - (open ? kOpenSuffix : kClosedSuffix).size());
      if (!ReplicaOfSegment(name)) continue;
      std::error_code gone;
      const std::uintmax_t bytes = file->file_size(gone);
      if (!gone) files.push_back({std::move(name), open, bytes});
    }
  }
  std::ranges::sort(files, {},
                    [](const SegmentFile& file) { return std::pair(file.name, file.open); });
  return files;
}

OpenSegment::OpenSegment(std::string folder, std::string name, int descriptor, WallTime opened)
    : folder_(std::move(folder)),
      name_(std::move(name)),
      descriptor_(descriptor),
      opened_(opened) {}

OpenSegment::~OpenSegment() { ::close(descriptor_); }

Result<std::unique_ptr<OpenSegment>> OpenSegment::Create(const std::string& folder,
                                                         const std::string& name, WallTime now) {
  const std::string path = PathOf(folder, name, kOpenSuffix);
  std::error_code failed;
  fs::create_directories(fs::path(path).parent_path(), failed);
  if (failed) {
    return Fail(ErrorCode::kUnavailable, "no folder for the prediction log {}: {}", path,
                failed.message());
  }
  const int descriptor =
      ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, kFileMode);
  if (descriptor < 0) return CannotWrite(path);
  ::flock(descriptor, LOCK_EX | LOCK_NB);  // New: nobody else can have it.
  return std::unique_ptr<OpenSegment>(new OpenSegment(folder, name, descriptor, now));
}

Result<std::unique_ptr<OpenSegment>> OpenSegment::Repair(const std::string& folder,
                                                         const std::string& name) {
  const std::string path = PathOf(folder, name, kOpenSuffix);
  const int descriptor = ::open(path.c_str(), O_RDWR | O_APPEND | O_CLOEXEC);
  if (descriptor < 0 && errno == ENOENT) return nullptr;
  if (descriptor < 0) return CannotWrite(path);
  auto segment =
      std::unique_ptr<OpenSegment>(new OpenSegment(folder, name, descriptor, WallTime()));
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) return nullptr;  // Its writer lives.
  // Sealed already, but for the removal.
  if (fs::exists(PathOf(folder, name, kClosedSuffix))) {
    ::unlink(path.c_str());
    return nullptr;
  }
  struct stat facts{};
  if (::fstat(descriptor, &facts) != 0) return CannotWrite(path);
  segment->size_ = static_cast<std::uint64_t>(facts.st_size);
  PODIUM_TRY(segment->DropDamage());
  return segment;
}

// What a crash of this process leaves is at most one line that is not whole. A power cut may leave
// worse: every line is looked at.
Status OpenSegment::DropDamage() {
  std::string rest;
  std::uint64_t read = 0;
  std::uint64_t kept = 0;
  bool moved = false;
  std::string good;
  const std::string path = PathOf(folder_, name_, kOpenSuffix);
  while (true) {
    PODIUM_TRY_ASSIGN(const std::string piece, ReadAt(descriptor_, read, kSliceBytes));
    if (piece.empty()) break;
    read += piece.size();
    rest += piece;
    std::size_t at = 0;
    for (std::size_t end = rest.find('\n'); end != std::string::npos; end = rest.find('\n', at)) {
      const std::string_view line = std::string_view(rest).substr(at, end - at);
      if (IsWholeLine(line)) {
        good.append(line).append(1, '\n');
      } else {
        ++damaged_;
        moved = true;
      }
      at = end + 1;
    }
    rest.erase(0, at);
    if (!moved) {
      kept += good.size();
      good.clear();
    }
  }
  if (!rest.empty()) ++damaged_;
  if (::ftruncate(descriptor_, static_cast<off_t>(kept)) != 0) return CannotWrite(path);
  size_ = kept;
  return good.empty() ? Status() : Append(good);
}

Status OpenSegment::Append(std::string_view lines) {
  const std::string path = PathOf(folder_, name_, kOpenSuffix);
  if (Status written = WriteAll(descriptor_, lines, path); !written) {
    // Half a line must not stand before the next whole one.
    if (::ftruncate(descriptor_, static_cast<off_t>(size_)) != 0) {
      LogWarning("half a line may stand in the prediction log", {{"segment", name_}});
    }
    return written;
  }
  size_ += lines.size();
  return {};
}

Status OpenSegment::Sync() {
  if (::fdatasync(descriptor_) == 0) return {};
  return CannotWrite(PathOf(folder_, name_, kOpenSuffix));
}

Sealing::Sealing(std::unique_ptr<OpenSegment> segment) : segment_(std::move(segment)) {}

Sealing::~Sealing() { Abandon(); }

void Sealing::Abandon() {
  if (target_ < 0) return;
  ::close(target_);
  target_ = -1;
  ::unlink(PathOf(segment_->folder(), segment_->name(), kPackingSuffix).c_str());
}

Status Sealing::Begin() {
  const std::string path = PathOf(segment_->folder(), segment_->name(), kPackingSuffix);
  target_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kFileMode);
  if (target_ < 0) return CannotWrite(path);
  packer_ = std::make_unique<GzipPacker>();
  read_ = 0;
  return {};
}

Status Sealing::Write(std::string_view bytes) {
  return WriteAll(target_, bytes, PathOf(segment_->folder(), segment_->name(), kPackingSuffix));
}

Result<bool> Sealing::Step() {
  const auto step = [&]() -> Result<bool> {
    if (target_ < 0) PODIUM_TRY(Begin());
    PODIUM_TRY_ASSIGN(const std::string slice, ReadAt(segment_->descriptor(), read_, kSliceBytes));
    std::string packed;
    if (!slice.empty()) {
      PODIUM_TRY(packer_->Add(slice, packed));
      PODIUM_TRY(Write(packed));
      read_ += slice.size();
      return false;
    }
    PODIUM_TRY(packer_->Finish(packed));
    PODIUM_TRY(Write(packed));
    PODIUM_TRY(Publish());
    return true;
  };
  Result<bool> done = step();
  if (!done) Abandon();
  return done;
}

Status Sealing::Publish() {
  const std::string open = PathOf(segment_->folder(), segment_->name(), kOpenSuffix);
  const std::string packing = PathOf(segment_->folder(), segment_->name(), kPackingSuffix);
  const std::string closed = PathOf(segment_->folder(), segment_->name(), kClosedSuffix);
  if (::fdatasync(target_) != 0) return CannotWrite(packing);
  if (read_ == 0) {  // Nothing was ever written: nobody misses it.
    Abandon();
    ::unlink(open.c_str());
    return {};
  }
  if (::rename(packing.c_str(), closed.c_str()) != 0) return CannotWrite(closed);
  ::close(target_);
  target_ = -1;
  SyncFolder(fs::path(closed).parent_path().string());
  ::unlink(open.c_str());
  return {};
}

std::size_t DropSegments(const std::string& folder, WallTime before, std::uint64_t most_bytes) {
  std::vector<SegmentFile> files = ListSegments(folder);
  std::uint64_t bytes = 0;
  for (const SegmentFile& file : files) bytes += file.bytes;
  std::erase_if(files, [](const SegmentFile& file) { return file.open; });
  // By day first, then by name: the days before come first.
  const std::string first_kept = fmt::format("{}{}/", kDatePrefix, DateOf(before));
  std::size_t dropped = 0;
  for (const SegmentFile& file : files) {
    const bool too_old = file.name < first_kept;
    if (!too_old && bytes <= most_bytes) break;
    if (::unlink(PathOf(folder, file.name, kClosedSuffix).c_str()) != 0) continue;
    bytes -= file.bytes;
    ++dropped;
    ::rmdir(fs::path(PathOf(folder, file.name, "")).parent_path().c_str());  // If it was the last.
  }
  return dropped;
}

}  // namespace podium::predictions
