#include "net/content_coding.h"

#include <zlib.h>

#include <algorithm>
#include <limits>

#include "net/http_head.h"

namespace podium::net {
namespace {

constexpr std::size_t kFirstGuess = 4;  ///< Times the packed size.
constexpr std::size_t kLeastRoom = 4096;

/// zlib's own numbers: 15 bits of window, and 16 more for a gzip header instead of a zlib one.
int WindowBitsOf(ContentCoding coding) { return coding == ContentCoding::kGzip ? 15 + 16 : 15; }

/// zlib's state, ended with the scope.
class Inflater {
 public:
  explicit Inflater(ContentCoding coding)
      : started_(inflateInit2(&stream_, WindowBitsOf(coding)) == Z_OK) {}
  ~Inflater() {
    if (started_) inflateEnd(&stream_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  bool started() const { return started_; }
  z_stream& stream() { return stream_; }

 private:
  z_stream stream_{};
  bool started_;
};

uInt Clamped(std::size_t bytes) {
  return static_cast<uInt>(std::min<std::size_t>(bytes, std::numeric_limits<uInt>::max()));
}

}  // namespace

Result<ContentCoding> ContentCodingFrom(std::string_view header) {
  if (header.empty() || EqualsIgnoreCase(header, "identity")) return ContentCoding::kIdentity;
  if (EqualsIgnoreCase(header, "gzip") || EqualsIgnoreCase(header, "x-gzip")) {
    return ContentCoding::kGzip;
  }
  if (EqualsIgnoreCase(header, "deflate")) return ContentCoding::kDeflate;
  return Fail(ErrorCode::kUnsupportedMedia,
              "Content-Encoding {} is not read here: send gzip, deflate or identity", header);
}

Status Unpack(ContentCoding coding, std::string_view bytes, std::size_t limit, ByteBuffer& out) {
  out.Clear();
  Inflater inflater(coding);
  if (!inflater.started()) return Fail(ErrorCode::kUnavailable, "no memory to unpack the body");
  z_stream& stream = inflater.stream();
  // zlib does not write to its input; its older interface lacks the const.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  std::size_t unread = bytes.size();
  int state = Z_OK;
  while (state != Z_STREAM_END) {
    // One byte above the limit is room to see that it is exceeded.
    if (out.size() > limit) {
      return Fail(ErrorCode::kTooLarge, "the body unpacks to more than the limit of {} bytes",
                  limit);
    }
    const std::size_t wanted = std::max({kLeastRoom, kFirstGuess * bytes.size(), 2 * out.size()});
    out.Reserve(std::min(wanted, limit + 1));
    const uInt given = Clamped(unread);
    const uInt room = Clamped(std::min(out.free_bytes(), limit + 1 - out.size()));
    stream.avail_in = given;
    stream.next_out = reinterpret_cast<Bytef*>(out.free_begin());
    stream.avail_out = room;
    state = inflate(&stream, Z_NO_FLUSH);
    out.Commit(room - stream.avail_out);
    unread -= given - stream.avail_in;
    const bool stuck =
        state == Z_BUF_ERROR || (state == Z_OK && unread == 0 && stream.avail_out > 0);
    if (stuck) {
      return Fail(ErrorCode::kInvalidArgument, "the compressed body ends before its stream does");
    }
    if (state != Z_OK && state != Z_STREAM_END) {
      return Fail(ErrorCode::kInvalidArgument, "the body is not what Content-Encoding says: {}",
                  stream.msg != nullptr ? stream.msg : "damaged stream");
    }
  }
  if (out.size() > limit) {
    return Fail(ErrorCode::kTooLarge, "the body unpacks to more than the limit of {} bytes", limit);
  }
  if (unread > 0) {
    return Fail(ErrorCode::kInvalidArgument, "{} bytes follow the compressed body", unread);
  }
  return {};
}

}  // namespace podium::net
