#include "runtime/artifact_tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <system_error>
#include <utility>

#include "base/digest.h"
#include "domain/model_limits.h"

namespace podium::runtime {
namespace {

namespace fs = std::filesystem;

Failure BadPath(std::string_view why) {
  return Fail(
      Error{ErrorCode::kInvalidArgument, fmt::format("Invalid path: {}", why), "path", nullptr});
}

// Of the system call before it.
Failure SystemFailure(std::string_view what) {
  const int code = errno;
  const std::string text = std::generic_category().message(code);
  switch (code) {
    case ENOENT:
      return Fail(ErrorCode::kNotFound, "No such artifact");
    case ENOTDIR:
    case EISDIR:
    case EEXIST:
    case ENOTEMPTY:
      return BadPath("a file and a folder would have the same name");
    case ENAMETOOLONG:
      return BadPath("it is too long for the file system");
    default:
      return Fail(ErrorCode::kUnavailable, "cannot {} the artifact: {}: mend that, then try again",
                  what, text);
  }
}

std::optional<struct ::stat> StatOf(const fs::path& path) {
  struct ::stat found{};
  if (::lstat(path.c_str(), &found) != 0) return std::nullopt;
  return found;
}

// Opened step by step from `top`, so that no step is a link, wherever it leads: what somebody else
// has put into the folder is not ours to give away. -1 with errno.
int OpenBelow(const fs::path& top, const ArtifactPath& path) {
  int at = ::open(top.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (std::size_t step = 0; at >= 0 && step < path.size(); ++step) {
    const int folder = step + 1 < path.size() ? O_DIRECTORY : 0;
    const int next = ::openat(at, path[step].c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | folder);
    const int code = errno;
    ::close(at);
    errno = code;
    at = next;
  }
  return at;
}

// A name is durable only once its folder is.
void SyncFolder(const fs::path& folder) {
  const int opened = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (opened < 0) return;
  ::fsync(opened);
  ::close(opened);
}

}  // namespace

ArtifactFile::~ArtifactFile() { ::close(file_); }

Result<std::string> ArtifactFile::Read() {
  std::string piece(limits::kArtifactPieceBytes, '\0');
  while (true) {
    const ssize_t got = ::read(file_, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemFailure("read");
    piece.resize(static_cast<std::size_t>(got));
    return piece;
  }
}

ArtifactTree::ArtifactTree(fs::path root)
    : blobs_(root / "blobs"), tree_(root / "tree"), doomed_(root / "doomed") {}

void ArtifactTree::Sweep() const {
  SweepUploads(blobs_);
  std::error_code ignored;
  fs::remove_all(doomed_, ignored);
}

std::unique_ptr<ArtifactUpload> ArtifactTree::NewUpload(const std::string& token) const {
  return std::make_unique<ArtifactUpload>(blobs_, token, UploadKind{"", true, true});
}

fs::path ArtifactTree::Place(const ArtifactPath& path) const {
  fs::path place = tree_;
  for (const std::string& step : path) place /= step;
  return place;
}

// The blob that `file` is the last link to goes with it; `file` is about to go, or is out of the
// tree already.
void ArtifactTree::DropBlobOf(const fs::path& file) const {
  const auto found = StatOf(file);
  if (!found || !S_ISREG(found->st_mode) || found->st_nlink != 2) return;
  const int opened = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (opened < 0) return;
  ArtifactFile bytes(opened);
  Sha256 hash;
  while (true) {
    const Result<std::string> piece = bytes.Read();
    if (!piece) return;  // A blob too many is no harm.
    if (piece->empty()) break;
    hash.Update(*piece);
  }
  std::error_code ignored;
  fs::remove(blobs_ / ToHex(hash.Finish()), ignored);
}

Status ArtifactTree::Publish(ArtifactUpload& upload, const ArtifactPath& path) {
  if (path.empty()) return BadPath("name a file");
  PODIUM_TRY_ASSIGN(const std::string sha256, upload.Finish(""));
  Status linked = Link(sha256, path);
  if (!linked) {
    // Content that no path has got, neither now nor before.
    const fs::path blob = blobs_ / sha256;
    const auto found = StatOf(blob);
    if (found && found->st_nlink == 1) ::unlink(blob.c_str());
  }
  return linked;
}

Status ArtifactTree::Link(const std::string& sha256, const ArtifactPath& path) const {
  const fs::path place = Place(path);
  std::error_code failed;
  fs::create_directories(place.parent_path(), failed);
  if (failed) {
    errno = failed.value();
    return SystemFailure("store");
  }
  fs::create_directories(doomed_, failed);
  const fs::path link = blobs_ / ("link-" + sha256);
  ::unlink(link.c_str());  // Of a process that was killed between the next two steps.
  if (::link((blobs_ / sha256).c_str(), link.c_str()) != 0) return SystemFailure("store");
  // What was at the path keeps a link until it is replaced, so that its blob can be told.
  const fs::path old = doomed_ / ("old-" + sha256);
  ::unlink(old.c_str());
  const auto replaced = StatOf(place);
  const bool same = replaced && StatOf(link) && replaced->st_ino == StatOf(link)->st_ino;
  const bool keep_old =
      replaced && S_ISREG(replaced->st_mode) && !same && ::link(place.c_str(), old.c_str()) == 0;
  // Two names of one file: rename leaves both, as POSIX has it.
  if (::rename(link.c_str(), place.c_str()) != 0) {
    const Failure failure = SystemFailure("store");
    ::unlink(link.c_str());
    ::unlink(old.c_str());
    return failure;
  }
  if (same) ::unlink(link.c_str());
  SyncFolder(place.parent_path());
  if (keep_old) {
    DropBlobOf(old);
    ::unlink(old.c_str());
  }
  return {};
}

Result<std::unique_ptr<ArtifactFile>> ArtifactTree::Open(const ArtifactPath& path) const {
  const auto found = StatOf(Place(path));
  if (!found) return SystemFailure("read");
  if (S_ISDIR(found->st_mode)) return BadPath("it is a folder: list it instead");
  const int file = OpenBelow(tree_, path);
  if (file >= 0) return std::make_unique<ArtifactFile>(file);
  if (errno != ELOOP && errno != ENOTDIR) return SystemFailure("read");
  return BadPath("a step of it is no folder or file of this store");
}

Result<std::vector<ArtifactEntry>> ArtifactTree::List(const ArtifactPath& path) const {
  const fs::path place = Place(path);
  std::vector<ArtifactEntry> entries;
  const auto found = StatOf(place);
  if (!found) return entries;
  if (!S_ISDIR(found->st_mode)) {
    entries.push_back({path.back(), false, static_cast<std::uint64_t>(found->st_size)});
    return entries;
  }
  std::error_code failed;
  for (auto at = fs::directory_iterator(place, failed); !failed && at != fs::directory_iterator();
       at.increment(failed)) {
    if (entries.size() == limits::kMaxArtifactEntries) {
      return BadPath(
          fmt::format("the folder has more than {} entries", limits::kMaxArtifactEntries));
    }
    const auto entry = StatOf(at->path());
    if (!entry) continue;  // Gone meanwhile.
    const bool is_folder = S_ISDIR(entry->st_mode);
    entries.push_back({at->path().filename().string(), is_folder,
                       is_folder ? 0 : static_cast<std::uint64_t>(entry->st_size)});
  }
  if (failed) {
    errno = failed.value();
    return SystemFailure("list");
  }
  std::ranges::sort(entries, {}, &ArtifactEntry::name);
  return entries;
}

Status ArtifactTree::Remove(const ArtifactPath& path) {
  if (path.empty()) return BadPath("name a file or a folder");
  std::error_code failed;
  fs::create_directories(doomed_, failed);
  const fs::path out = doomed_ / "removed";
  fs::remove_all(out, failed);
  // Gone for readers at once, whole.
  if (::rename(Place(path).c_str(), out.c_str()) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return {};
    return SystemFailure("delete");
  }
  if (!fs::is_directory(out, failed)) DropBlobOf(out);
  for (auto at = fs::recursive_directory_iterator(out, failed);
       !failed && at != fs::recursive_directory_iterator(); at.increment(failed)) {
    DropBlobOf(at->path());
    // Two links of one content within the folder: the last one that goes is the blob's last.
    if (!at->is_directory(failed)) ::unlink(at->path().c_str());
  }
  fs::remove_all(out, failed);
  return {};
}

}  // namespace podium::runtime
