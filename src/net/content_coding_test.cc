// A compressed body is a small text that claims to be a large one: what it unpacks to is bounded
// before it is held, and what does not unpack whole is refused.
#include "net/content_coding.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>

namespace podium::net {
namespace {

std::string Packed(std::string text, int window_bits) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(text.data());
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}
std::string Gzip(std::string text) { return Packed(std::move(text), 15 + 16); }
std::string Deflate(std::string text) { return Packed(std::move(text), 15); }

constexpr std::size_t kUnpackedLimit = 100'000;

TEST(ContentCoding, KnowsWhatItCanUndo) {
  EXPECT_EQ(*ContentCodingFrom(""), ContentCoding::kIdentity);
  EXPECT_EQ(*ContentCodingFrom("Identity"), ContentCoding::kIdentity);
  EXPECT_EQ(*ContentCodingFrom("GZIP"), ContentCoding::kGzip);
  EXPECT_EQ(*ContentCodingFrom("deflate"), ContentCoding::kDeflate);
  for (const char* header : {"br", "gzip, deflate", "gzip,gzip", "zstd"}) {
    SCOPED_TRACE(header);
    const auto coding = ContentCodingFrom(header);
    ASSERT_FALSE(coding);
    EXPECT_EQ(coding.error().code, ErrorCode::kUnsupportedMedia);
    EXPECT_NE(coding.error().message.find("gzip, deflate"), std::string::npos);
  }
}

TEST(ContentCoding, GivesBackWhatWasPacked) {
  ByteBuffer out;
  for (const std::size_t size : {0U, 1U, 4095U, 4096U, 4097U, 65'537U}) {
    SCOPED_TRACE(size);
    std::string text(size, 'x');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * i % 251);
    ASSERT_TRUE(Unpack(ContentCoding::kGzip, Gzip(text), kUnpackedLimit, out));
    EXPECT_EQ(out.view(), text);
    ASSERT_TRUE(Unpack(ContentCoding::kDeflate, Deflate(text), kUnpackedLimit, out));
    EXPECT_EQ(out.view(), text);
    EXPECT_GE(out.capacity(), size);
  }
}

TEST(ContentCoding, StopsAtTheLimitAndNotOneByteLater) {
  ByteBuffer out;
  EXPECT_TRUE(
      Unpack(ContentCoding::kGzip, Gzip(std::string(kUnpackedLimit, 'a')), kUnpackedLimit, out));
  EXPECT_EQ(out.size(), kUnpackedLimit);
  for (const std::size_t size : {kUnpackedLimit + 1, 50 * kUnpackedLimit}) {
    const Status status =
        Unpack(ContentCoding::kGzip, Gzip(std::string(size, 'a')), kUnpackedLimit, out);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::kTooLarge);
  }
  EXPECT_LE(out.capacity(), kUnpackedLimit + 1);
}

TEST(ContentCoding, RefusesWhatIsNotOneWholeStream) {
  const std::string whole = Gzip("hello, hello, hello");
  ByteBuffer out;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Status status = Unpack(ContentCoding::kGzip, whole.substr(0, size), kUnpackedLimit, out);
    ASSERT_FALSE(status) << size;
    EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument) << size;
  }
  std::string damaged = whole;
  damaged[damaged.size() - 6] = static_cast<char>(damaged[damaged.size() - 6] ^ 1);  // Checksum.
  for (const std::string& bytes :
       {whole + "x", whole + whole, damaged, std::string("plain"), Deflate("another coding")}) {
    const Status status = Unpack(ContentCoding::kGzip, bytes, kUnpackedLimit, out);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace podium::net
