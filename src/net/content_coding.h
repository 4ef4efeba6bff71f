// Content codings of request bodies (RFC 9110, 8.4.1): which one a header names, and undoing it.
// Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "net/byte_buffer.h"

namespace podium::net {

enum class ContentCoding : std::uint8_t { kIdentity, kGzip, kDeflate };

/// The coding that a Content-Encoding names; empty means identity. kUnsupportedMedia for any other,
/// and for several at once.
Result<ContentCoding> ContentCodingFrom(std::string_view header);

/// Replaces `out` by what `bytes` stand for: exactly one complete stream, of at most `limit` bytes
/// when unpacked. kTooLarge beyond that, found before it is held; kInvalidArgument when the stream
/// is damaged, cut, or followed by anything. REQUIRES: coding is not kIdentity.
Status Unpack(ContentCoding coding, std::string_view bytes, std::size_t limit, ByteBuffer& out);

}  // namespace podium::net
