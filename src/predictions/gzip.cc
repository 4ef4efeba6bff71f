#include "predictions/gzip.h"

#include <zlib.h>

#include <array>
#include <fstream>

namespace podium::predictions {
namespace {

constexpr int kGzipWindow = 15 + 16;  // zlib's own numbers: 15 bits, and a gzip header.
constexpr int kMemoryLevel = 8;
// Lines of one log are alike: the fastest level packs them to a tenth as it is.
constexpr int kLevel = Z_BEST_SPEED;
constexpr std::size_t kPieceBytes = 64 * 1024;

Bytef* ToZlib(const char* bytes) {
  // zlib does not write to its input; its older interface lacks the const.
  return reinterpret_cast<Bytef*>(const_cast<char*>(bytes));
}

/// zlib's state, ended with the scope.
class Unpacker {
 public:
  Unpacker() : started_(inflateInit2(&stream_, kGzipWindow) == Z_OK) {}
  ~Unpacker() {
    if (started_) inflateEnd(&stream_);
  }
  Unpacker(const Unpacker&) = delete;
  Unpacker& operator=(const Unpacker&) = delete;

  bool started() const { return started_; }
  z_stream& stream() { return stream_; }

 private:
  z_stream stream_{};
  bool started_;
};

}  // namespace

struct GzipPacker::Stream {
  z_stream zlib{};
  bool started = false;
};

GzipPacker::GzipPacker() : stream_(std::make_unique<Stream>()) {
  stream_->started = deflateInit2(&stream_->zlib, kLevel, Z_DEFLATED, kGzipWindow, kMemoryLevel,
                                  Z_DEFAULT_STRATEGY) == Z_OK;
}

GzipPacker::~GzipPacker() {
  if (stream_->started) deflateEnd(&stream_->zlib);
}

Status GzipPacker::Add(std::string_view piece, std::string& out) {
  return piece.empty() ? Status() : Run(piece, Z_NO_FLUSH, out);
}

Status GzipPacker::Finish(std::string& out) { return Run({}, Z_FINISH, out); }

Status GzipPacker::Run(std::string_view piece, int flush, std::string& out) {
  if (!stream_->started) return Fail(ErrorCode::kUnavailable, "no memory to pack a segment");
  z_stream& zlib = stream_->zlib;
  std::array<char, kPieceBytes> room;
  while (true) {
    const std::string_view some = piece.substr(0, kPieceBytes);
    piece.remove_prefix(some.size());
    zlib.next_in = ToZlib(some.data());
    zlib.avail_in = static_cast<uInt>(some.size());
    do {
      zlib.next_out = reinterpret_cast<Bytef*>(room.data());
      zlib.avail_out = static_cast<uInt>(room.size());
      if (deflate(&zlib, flush) == Z_STREAM_ERROR) {
        return Fail(ErrorCode::kInternal, "zlib refuses to pack a segment");
      }
      out.append(room.data(), room.size() - zlib.avail_out);
    } while (zlib.avail_out == 0);
    if (piece.empty()) return {};
  }
}

Status Unpack(const std::string& path, const std::function<bool(std::string_view)>& take) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Fail(ErrorCode::kUnavailable, "the segment {} cannot be read", path);
  Unpacker unpacker;
  if (!unpacker.started()) return Fail(ErrorCode::kUnavailable, "no memory to unpack a segment");
  std::array<char, kPieceBytes> packed;
  std::array<char, kPieceBytes> plain;
  z_stream& zlib = unpacker.stream();
  int state = Z_OK;
  while (state != Z_STREAM_END) {
    file.read(packed.data(), packed.size());
    zlib.next_in = ToZlib(packed.data());
    zlib.avail_in = static_cast<uInt>(file.gcount());
    if (zlib.avail_in == 0) return Fail(ErrorCode::kUnprocessable, "the segment {} is cut", path);
    do {
      zlib.next_out = reinterpret_cast<Bytef*>(plain.data());
      zlib.avail_out = static_cast<uInt>(plain.size());
      state = inflate(&zlib, Z_NO_FLUSH);
      if (state != Z_OK && state != Z_STREAM_END && state != Z_BUF_ERROR) {
        return Fail(ErrorCode::kUnprocessable, "the segment {} is damaged", path);
      }
      const std::size_t count = plain.size() - zlib.avail_out;
      if (count > 0 && !take({plain.data(), count})) return {};
    } while (zlib.avail_out == 0 && state != Z_STREAM_END);
  }
  return {};
}

}  // namespace podium::predictions
