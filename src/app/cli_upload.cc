#include "app/cli_upload.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <utility>

#include "base/digest.h"

namespace podium::app {
namespace {

constexpr std::size_t kChunk = 256 * 1024;
constexpr std::size_t kUploadBarWidth = 30;

Failure CannotRead(const std::string& path) {
  const int code = errno;
  return Fail(ErrorCode::kNotFound, "cannot read {}: {}", path,
              code == 0 ? "it is no regular file" : std::strerror(code));
}

struct MeasuredFile {
  std::uint64_t size = 0;
  std::string sha256;
};

Result<MeasuredFile> Measure(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return CannotRead(path);
  MeasuredFile measured;
  Sha256 hash;
  std::string chunk(kChunk, '\0');
  while (file.read(chunk.data(), kChunk) || file.gcount() > 0) {
    const auto got = static_cast<std::size_t>(file.gcount());
    hash.Update(std::string_view(chunk).substr(0, got));
    measured.size += got;
  }
  if (file.bad() || !file.eof()) return CannotRead(path);
  measured.sha256 = ToHex(hash.Finish());
  return measured;
}

// Redrawn in place, and only when the text changes: a quick upload writes a hundred lines at most.
class BarWriter {
 public:
  BarWriter(Console& console, std::uint64_t whole) : console_(console), whole_(whole) {}
  void Show(std::uint64_t done) {
    if (!console_.err_is_terminal) return;
    std::string bar = ProgressBar(done, whole_);
    if (bar == last_) return;
    console_.err << '\r' << bar << std::flush;
    last_ = std::move(bar);
  }
  void End() {
    if (!last_.empty()) console_.err << '\n';
  }

 private:
  Console& console_;
  std::uint64_t whole_;
  std::string last_;
};

}  // namespace

std::string ProgressBar(std::uint64_t done, std::uint64_t whole) {
  const std::uint64_t percent = whole == 0 ? 100 : done * 100 / whole;
  const std::size_t filled = static_cast<std::size_t>(percent) * kUploadBarWidth / 100;
  return fmt::format("[{:<{}}] {:>3} % of {:.1f} MiB", std::string(filled, '='), kUploadBarWidth,
                     percent, static_cast<double>(whole) / (1024 * 1024));
}

CliResult<Json> UploadFile(Api& api, Console& console, const std::string& path) {
  const Result<MeasuredFile> measured = Measure(path);
  if (!measured) return LocalError(measured.error());
  if (measured->size == 0) return UsageError(fmt::format("{} is empty", path));
  auto file = std::make_shared<std::ifstream>(path, std::ios::binary);
  BarWriter bar(console, measured->size);
  net::ClientRequest request;
  request.method = net::HttpMethod::kPost;
  request.target = WithQuery("/api/v1/artifacts", "sha256", measured->sha256);
  request.content_type = "application/octet-stream";
  request.source =
      net::BodySource{measured->size,
                      [file, path](char* buffer, std::size_t capacity) -> Result<std::size_t> {
                        file->read(buffer, static_cast<std::streamsize>(capacity));
                        if (file->bad()) return CannotRead(path);
                        return static_cast<std::size_t>(file->gcount());
                      },
                      [&bar](std::uint64_t sent) { bar.Show(sent); }};
  CliResult<ApiAnswer> answer = api.Send(std::move(request));
  bar.End();
  if (!answer) return CliFailure(std::move(answer).error());
  return std::move(answer->body);
}

Result<std::string> ReadSmallFile(const std::string& path, std::size_t limit) {
  std::ifstream opened;
  errno = 0;
  if (path != "-") {
    opened.open(path, std::ios::binary);
    if (!opened) return CannotRead(path);
  }
  std::istream& in = path == "-" ? std::cin : opened;
  std::string text;
  std::array<char, 16 * 1024> chunk;
  while (in.read(chunk.data(), chunk.size()) || in.gcount() > 0) {
    text.append(chunk.data(), static_cast<std::size_t>(in.gcount()));
    if (text.size() > limit) {
      return Fail(ErrorCode::kTooLarge, "{} is larger than {} bytes", path, limit);
    }
  }
  if (in.bad() || !in.eof()) return CannotRead(path);
  return text;
}

}  // namespace podium::app
