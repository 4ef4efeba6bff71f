// /api/v1/artifacts: takes the bytes of an artifact in, named by their checksum.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/digest.h"
#include "control/admin/context.h"
#include "control/admin/query.h"

namespace podium::control {
namespace {

namespace fs = std::filesystem;

Failure FileError(const fs::path& file, std::string_view doing) {
  const int code = errno;
  return Fail(ErrorCode::kUnavailable, "cannot {} {}: {}", doing, file.filename().string(),
              std::strerror(code));
}

/// A file that exists under its real name only once it is whole and on disk.
class Upload {
 public:
  Upload(fs::path directory, const std::string& token)
      : directory_(std::move(directory)), temporary_(directory_ / (".upload-" + token)) {}
  ~Upload() {
    if (file_ >= 0) ::close(file_);
    std::error_code ignored;
    fs::remove(temporary_, ignored);
  }
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;

  Status Append(std::string_view bytes) {
    if (file_ < 0) PODIUM_TRY(Create());
    hash_.Update(bytes);
    size_ += bytes.size();
    while (!bytes.empty()) {
      const ssize_t written = ::write(file_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return FileError(temporary_, "write");
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
  }

  /// Returns the checksum; the file is then `<sha256>.onnx`.
  Result<std::string> Finish(const std::string& expected) {
    if (size_ == 0) return Fail(ErrorCode::kInvalidArgument, "the artifact is empty");
    const std::string sha256 = ToHex(hash_.Finish());
    if (!expected.empty() && expected != sha256) {
      return Fail(ErrorCode::kInvalidArgument,
                  "the bytes received have SHA-256 {}, not {}: send them again", sha256, expected);
    }
    const fs::path target = directory_ / (sha256 + ".onnx");
    if (::fsync(file_) != 0) return FileError(temporary_, "sync");
    if (::rename(temporary_.c_str(), target.c_str()) != 0) return FileError(target, "name");
    const int directory = ::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory >= 0) {
      ::fsync(directory);
      ::close(directory);
    }
    return sha256;
  }

  std::uint64_t size() const { return size_; }

 private:
  Status Create() {
    std::error_code failed;
    fs::create_directories(directory_, failed);
    file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file_ < 0) return FileError(temporary_, "create");
    return {};
  }

  const fs::path directory_;
  const fs::path temporary_;
  int file_ = -1;
  Sha256 hash_;
  std::uint64_t size_ = 0;
};

AdminReply Receive(AdminCall& call) {
  const AdminContext& c = call.context;
  const net::RequestHead& head = call.exchange.head();
  if (Status known = CheckQuery(head, {"sha256"}); !known) co_return Fail(std::move(known).error());
  const auto type = head.Find("content-type");
  if (!type || !net::EqualsIgnoreCase(*type, "application/octet-stream")) {
    co_return Fail(ErrorCode::kUnsupportedMedia,
                   "Content-Type must be application/octet-stream, not {}", type ? *type : "absent");
  }
  if (head.content_length.value_or(0) > c.options.max_artifact_bytes) {
    co_return Fail(ErrorCode::kTooLarge, "the artifact has {} bytes, the limit is {} "
                   "(serving.max_artifact_bytes)", *head.content_length, c.options.max_artifact_bytes);
  }

  Upload upload(c.options.artifact_dir, RandomToken(c.rng, 16));
  for (;;) {
    auto read = call.exchange.ReadSome(c.options.max_artifact_bytes);
    const Result<std::string_view> piece = co_await std::move(read);
    if (!piece) co_return Fail(piece.error());
    if (piece->empty()) break;
    auto write = RunOn(c.pools.files, [&] { return upload.Append(*piece); });
    if (Status written = co_await std::move(write); !written) {
      co_return Fail(std::move(written).error());
    }
  }
  const std::string expected = QueryText(head, "sha256").value_or("");
  auto finish = RunOn(c.pools.files, [&] { return upload.Finish(expected); });
  const Result<std::string> sha256 = co_await std::move(finish);
  if (!sha256) co_return Fail(sha256.error());
  Json json;
  json["artifact_uri"] = "file:" + *sha256 + ".onnx";
  json["sha256"] = *sha256;
  json["bytes"] = upload.size();
  co_return JsonResponse(json, 201);
}

}  // namespace

void AddArtifactEndpoints(AdminRoutes& routes) {
  routes.Add(net::HttpMethod::kPost, "/api/v1/artifacts",
             {Receive, Endpoint::Access::kAdmin, Endpoint::Body::kStream});
}

}  // namespace podium::control
