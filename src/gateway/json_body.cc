#include "gateway/json_body.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <system_error>
#include <utility>

#include "base/json.h"
#include "base/limits.h"
#include "net/handler.h"

namespace podium::gateway {
namespace {

using simdjson::dom::element;

static_assert(net::kBodyPadding >= simdjson::SIMDJSON_PADDING);

constexpr std::size_t kExplained = 64 * 1024;  ///< Bodies up to this are read again to say where.
/// The parser counts the document itself as a level.
constexpr std::size_t kParserDepth = limits::kMaxJsonDepth + 1;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

/// Whether `digits` (with a sign, maybe) is an integer that neither int64 nor uint64 holds.
bool IsHuge(std::string_view digits) {
  std::int64_t s = 0;
  std::uint64_t u = 0;
  const char* end = digits.data() + digits.size();
  return digits.size() >= 19 &&
         std::from_chars(digits.data(), end, s).ec == std::errc::result_out_of_range &&
         std::from_chars(digits.data(), end, u).ec != std::errc();
}

/// The parser refuses integers beyond 64 bits, yet some clients write 1e20 with all its digits: as
/// floating point they are fine. Nullopt when the text has none.
std::optional<std::string> WithoutHugeIntegers(std::string_view text) {
  std::string out;
  bool found = false;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (in_string && c == '\\' && i + 1 < text.size()) {
      out.append(text.substr(i, 2));
      i += 2;
      continue;
    }
    if (c == '"') in_string = !in_string;
    std::size_t end = i + 1;
    if (!in_string && (IsDigit(c) || c == '-')) {
      while (end < text.size() && IsDigit(text[end])) ++end;
      const std::string_view digits = text.substr(i, end - i);
      out.append(digits);
      const char next = end < text.size() ? text[end] : ' ';
      if (next != '.' && next != 'e' && next != 'E' && IsHuge(digits)) {
        out.append("e0");
        found = true;
      }
      // The fraction is copied here, so that its digits are not taken for an integer.
      const std::size_t number_end = text.find_first_not_of("0123456789.eE+-", end);
      const std::size_t rest = std::min(number_end, text.size()) - end;
      out.append(text.substr(end, rest));
      i = end + rest;
      continue;
    }
    out.push_back(c);
    i = end;
  }
  if (!found) return std::nullopt;
  return out;
}

/// Cold path: what is wrong with a body that the fast parser refused, with line and column.
Error Explain(simdjson::error_code code, std::string_view body, std::string_view when_empty) {
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    return Error{ErrorCode::kInvalidArgument, std::string(when_empty), "", nullptr};
  }
  if (body.size() <= kExplained) {
    auto parsed = ParseJson(body);
    if (!parsed) return std::move(parsed).error();
  }
  if (code == simdjson::DEPTH_ERROR) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("malformed JSON: nested deeper than {} levels", limits::kMaxJsonDepth),
                 "", nullptr};
  }
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("malformed JSON: {}", simdjson::error_message(code)), "", nullptr};
}

}  // namespace

Result<element> JsonBody::Parse(std::string_view text, std::string_view when_empty) {
  if (parser_.capacity() > limits::kKeptBodyCapacity && text.size() <= limits::kKeptBodyCapacity) {
    parser_ = simdjson::dom::parser();  // One large body must not hold its memory for ever.
  }
  const std::size_t wanted = std::max<std::size_t>(text.size(), 4096);
  if (parser_.capacity() < wanted && parser_.allocate(wanted, kParserDepth) != simdjson::SUCCESS) {
    return Fail(ErrorCode::kUnavailable, "no memory for a body of {} bytes", text.size());
  }
  element root;
  auto error = parser_.parse(text.data(), text.size(), /*realloc_if_needed=*/false).get(root);
  if (error == simdjson::NUMBER_ERROR) {
    if (auto rewritten = WithoutHugeIntegers(text)) {
      rewritten_ = std::move(*rewritten);
      error =
          parser_.parse(rewritten_.data(), rewritten_.size(), /*realloc_if_needed=*/true).get(root);
    }
  }
  if (error != simdjson::SUCCESS) return Fail(Explain(error, text, when_empty));
  return root;
}

}  // namespace podium::gateway
