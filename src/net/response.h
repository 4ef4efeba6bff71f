// What a handler answers, and how it is written to the wire.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/body_stream.h"

namespace podium::net {

/// Text known when compiling: costs nothing to carry and cannot dangle.
class StaticText {
 public:
  template <std::size_t kSize>
  consteval StaticText(const char (&text)[kSize]) : view_(text, kSize - 1) {}  // NOLINT: implicit
  constexpr operator std::string_view() const { return view_; }                // NOLINT: implicit
  constexpr std::string_view view() const { return view_; }

 private:
  std::string_view view_;
};

/// Header fields in wire form: one string, whatever their number.
class ResponseHeaders {
 public:
  /// REQUIRES: `name` is a token. A control byte in `value` becomes a space: text from outside
  /// (a route's name, an error) can never start a header of its own.
  void Add(std::string_view name, std::string_view value);
  void Add(std::string_view name, std::int64_t value);
  /// The value of the first field of that name, compared without case.
  std::optional<std::string_view> Find(std::string_view name) const;
  void Clear() { wire_.clear(); }
  const std::string& wire() const { return wire_; }

 private:
  std::string wire_;
};

/// Content-Length or Transfer-Encoding, Content-Type, Date and Connection are written by the
/// server.
struct Response {
  int status = 200;
  StaticText content_type = "application/json";  ///< Left out when the body is empty.
  ResponseHeaders headers;
  std::string body;
  /// Instead of `body`; owned by the connection once the handler has answered. Chunked in HTTP/1.1,
  /// until the end of the connection in 1.0. Dropped unread where no body may follow.
  std::unique_ptr<BodyStream> stream;
  bool close = false;  ///< End the connection after this answer.

  void Clear();  ///< As new, but keeps the memory of the strings.
};

/// RFC 9457 problem details: type, title, status, detail, code, and where known `where` and
/// request_id. The status and title come from TraitsOf(error.code).
Response ProblemResponse(const Error& error, std::string_view request_id = {});
/// The same for the faults of the protocol itself, which have no ErrorCode.
Response ProtocolProblem(int status, std::string_view detail);

std::string_view ReasonPhrase(int status);  ///< "Unknown" for a status that we never send.

/// Appends status line, headers and blank line to `out`. `connection` is the value of that header,
/// empty for the default of HTTP/1.1; `date_line` is empty or "Date: …\r\n". A stream is announced
/// as chunked, or for HTTP/1.0 (`chunked` false) not at all.
void AppendResponseHead(const Response& response, std::string_view connection,
                        std::string_view date_line, std::string& out, bool chunked = true);
/// 1xx, 204 and 304 end with their head, whatever `body` holds.
bool StatusHasBody(int status);
/// "Date: Mon, 09 Mar 2026 14:31:07 GMT\r\n"
std::string DateLine(std::int64_t unix_seconds);

}  // namespace podium::net
