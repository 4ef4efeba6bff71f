#include "runtime/artifact.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>
#include <optional>
#include <system_error>
#include <utility>

#include "base/digest.h"
#include "base/error.h"
#include "base/limits.h"

namespace podium::runtime {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTemporaryPrefix = "incoming-";

/// A file descriptor that closes itself.
class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int get() const { return descriptor_; }
  bool ok() const { return descriptor_ >= 0; }

 private:
  int descriptor_;
};

/// Removes an unfinished copy unless it was renamed in time.
class Unfinished {
 public:
  explicit Unfinished(fs::path path) : path_(std::move(path)) {}
  ~Unfinished() {
    std::error_code ignored;  // The next sweep finds what cannot be removed now.
    if (!kept_) fs::remove(path_, ignored);
  }
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  void Keep() { kept_ = true; }

 private:
  fs::path path_;
  bool kept_ = false;
};

std::optional<int> HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

Result<std::string> PercentDecoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    const auto high = i + 2 < text.size() ? HexDigit(text[i + 1]) : std::nullopt;
    const auto low = high ? HexDigit(text[i + 2]) : std::nullopt;
    if (!low) {
      return Fail(
          ErrorCode::kInvalidArgument,
          "artifact_uri has a \"%\" that two hexadecimal digits do not follow: write it as %25");
    }
    out.push_back(static_cast<char>(*high * 16 + *low));
    i += 2;
  }
  return out;
}

/// The scheme before the first colon, empty when the text is a path.
std::string_view SchemeOf(std::string_view uri) {
  const std::size_t colon = uri.find(':');
  if (colon == std::string_view::npos || colon == 0) return {};
  const std::string_view scheme = uri.substr(0, colon);
  const bool valid = std::all_of(scheme.begin(), scheme.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '-' || c == '.';
  });
  return valid ? scheme : std::string_view{};
}

/// The path that the URI spells, not resolved yet.
Result<fs::path> PathOf(std::string_view uri) {
  const std::string_view scheme = SchemeOf(uri);
  if (scheme.empty()) return fs::path(std::string(uri));
  if (scheme != "file") {
    return Fail(ErrorCode::kInvalidArgument,
                "artifact_uri has the scheme \"{}\", but only file: is read: upload the file with "
                "`podium version register`",
                scheme);
  }
  std::string_view rest = uri.substr(scheme.size() + 1);
  if (rest.starts_with("//")) {
    rest.remove_prefix(2);
    const std::string_view host = rest.substr(0, rest.find('/'));
    if (!host.empty() && host != "localhost") {
      return Fail(ErrorCode::kInvalidArgument,
                  "artifact_uri names the host \"{}\": a file is read from this machine only "
                  "(file:///path)",
                  host);
    }
    rest.remove_prefix(host.size());
  }
  PODIUM_TRY_ASSIGN(std::string path, PercentDecoded(rest));
  return fs::path(std::move(path));
}

bool LiesBelow(const fs::path& path, const fs::path& root) {
  const auto [rest, unused] = std::mismatch(root.begin(), root.end(), path.begin(), path.end());
  return rest == root.end();
}

/// Feeds the file to `sink` piece by piece; stops at the first failure.
Status ReadAll(const fs::path& path, const std::function<Status(std::string_view)>& sink) {
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.ok()) {
    return Fail(errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kUnavailable,
                "cannot open {}: {}", path.string(), SystemReason(errno));
  }
  std::array<char, 64 * 1024> buffer{};
  for (;;) {
    const ssize_t count = ::read(file.get(), buffer.data(), buffer.size());
    if (count == 0) return {};
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      return Fail(ErrorCode::kUnavailable, "cannot read {}: {}", path.string(),
                  SystemReason(errno));
    }
    PODIUM_TRY(sink({buffer.data(), static_cast<std::size_t>(count)}));
  }
}

Status WriteAll(int descriptor, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      return Fail(ErrorCode::kUnavailable, "cannot write {}: {}", path.string(),
                  SystemReason(errno));
    }
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

/// Copies into the open file `out`, returns the checksum of what was copied.
Result<std::string> CopyHashing(const fs::path& source, int out, const fs::path& target,
                                std::uint64_t most) {
  Sha256 hash;
  std::uint64_t copied = 0;
  PODIUM_TRY(ReadAll(source, [&](std::string_view piece) -> Status {
    copied += piece.size();
    if (copied > most) {
      return Fail(ErrorCode::kTooLarge, "artifact {} is larger than {} bytes", source.string(),
                  most);
    }
    hash.Update(piece);
    return WriteAll(out, piece, target);
  }));
  if (::fsync(out) != 0) {
    return Fail(ErrorCode::kUnavailable, "cannot flush {}: {}", target.string(),
                SystemReason(errno));
  }
  return ToHex(hash.Finish());
}

/// The rename is only durable when the directory itself has reached the disk.
Status MoveInto(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) {
    return Fail(ErrorCode::kUnavailable, "cannot move the copy to {}: {}", to.string(),
                error.message());
  }
  const File directory(::open(to.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.ok() || ::fsync(directory.get()) != 0) {
    return Fail(ErrorCode::kUnavailable, "cannot flush {}: {}", to.parent_path().string(),
                SystemReason(errno));
  }
  return {};
}

}  // namespace

Result<fs::path> ResolveArtifact(std::string_view uri, const std::vector<fs::path>& roots) {
  if (uri.empty()) return Fail(ErrorCode::kInvalidArgument, "artifact_uri is empty");
  if (uri.size() > limits::kMaxUriBytes) {
    return Fail(ErrorCode::kInvalidArgument, "artifact_uri is longer than {} bytes",
                limits::kMaxUriBytes);
  }
  PODIUM_TRY_ASSIGN(fs::path path, PathOf(uri));
  if (path.empty() || path.native().find('\0') != std::string::npos) {
    return Fail(ErrorCode::kInvalidArgument, "artifact_uri \"{}\" names no file", uri);
  }
  if (path.is_relative() && !roots.empty()) path = roots.front() / path;

  std::error_code error;
  fs::path real = fs::weakly_canonical(path, error);
  const bool allowed = !error && std::any_of(roots.begin(), roots.end(), [&](const fs::path& root) {
    std::error_code unreadable;
    const fs::path real_root = fs::canonical(root, unreadable);
    return !unreadable && LiesBelow(real, real_root);
  });
  // Said before anything about existence: an answer must not tell what lies outside the roots.
  if (!allowed) {
    return Fail(ErrorCode::kPermissionDenied,
                "artifact_uri \"{}\" does not lie below an artifact root: move the file there, or "
                "upload it with `podium version register`",
                uri);
  }
  const fs::file_status status = fs::status(real, error);
  if (!fs::exists(status)) {
    return Fail(ErrorCode::kNotFound, "there is no file \"{}\" (artifact_uri \"{}\")",
                real.string(), uri);
  }
  if (!fs::is_regular_file(status)) {
    return Fail(ErrorCode::kInvalidArgument, "artifact_uri \"{}\" is not a regular file", uri);
  }
  return real;
}

bool IsChecksum(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Result<std::string> HashFile(const fs::path& file) {
  Sha256 hash;
  PODIUM_TRY(ReadAll(file, [&hash](std::string_view piece) -> Status {
    hash.Update(piece);
    return {};
  }));
  return ToHex(hash.Finish());
}

Result<fs::path> CachedArtifact(const std::string& checksum, const fs::path& cache_dir) {
  if (!IsChecksum(checksum)) {
    return Fail(ErrorCode::kInvalidArgument,
                "\"{}\" is not a SHA-256 checksum: 64 lower-case hexadecimal digits", checksum);
  }
  fs::path copy = cache_dir / checksum;
  PODIUM_TRY_ASSIGN(const std::string actual, HashFile(copy));
  if (actual != checksum) {
    return Fail(ErrorCode::kUnprocessable, "the copy {} is damaged: its SHA-256 is {}",
                copy.string(), actual);
  }
  return copy;
}

Result<fs::path> FetchArtifact(const fs::path& source, const std::string& expected,
                               const fs::path& cache_dir, std::uint64_t most) {
  if (!expected.empty()) {
    auto cached = CachedArtifact(expected, cache_dir);
    if (cached || cached.error().code == ErrorCode::kInvalidArgument) return cached;
  }
  std::error_code error;
  fs::create_directories(cache_dir, error);
  if (error) {
    return Fail(ErrorCode::kUnavailable, "cannot create {}: {}", cache_dir.string(),
                error.message());
  }
  std::string name = (cache_dir / (std::string(kTemporaryPrefix) + "XXXXXX")).string();
  const File out(::mkostemp(name.data(), O_CLOEXEC));
  if (!out.ok()) {
    return Fail(ErrorCode::kUnavailable, "cannot write to {}: {}", cache_dir.string(),
                SystemReason(errno));
  }
  Unfinished unfinished{fs::path(name)};
  PODIUM_TRY_ASSIGN(const std::string actual, CopyHashing(source, out.get(), name, most));
  if (!expected.empty() && actual != expected) {
    return Fail(ErrorCode::kUnprocessable,
                "{} does not have the registered checksum: SHA-256 {} was expected, it is {}",
                source.string(), expected, actual);
  }
  fs::path copy = cache_dir / actual;
  PODIUM_TRY(MoveInto(name, copy));
  unfinished.Keep();
  return copy;
}

Status ReplaceFile(const fs::path& file, std::string_view text) {
  std::string name = (file.parent_path() / (std::string(kTemporaryPrefix) + "XXXXXX")).string();
  const File out(::mkostemp(name.data(), O_CLOEXEC));
  if (!out.ok()) {
    return Fail(ErrorCode::kUnavailable, "cannot write to {}: {}", file.parent_path().string(),
                SystemReason(errno));
  }
  Unfinished unfinished{fs::path(name)};
  PODIUM_TRY(WriteAll(out.get(), text, name));
  if (::fsync(out.get()) != 0) {
    return Fail(ErrorCode::kUnavailable, "cannot flush {}: {}", name, SystemReason(errno));
  }
  PODIUM_TRY(MoveInto(name, file));
  unfinished.Keep();
  return {};
}

void SweepCache(const fs::path& cache_dir) {
  std::error_code error;
  for (fs::directory_iterator entry(cache_dir, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    if (entry->path().filename().native().starts_with(kTemporaryPrefix)) {
      fs::remove(entry->path(), ignored);
    }
  }
}

}  // namespace podium::runtime
