#include "gateway/llm/upstream_failure.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <system_error>

#include "base/limits.h"
#include "base/utf8.h"

namespace podium::gateway::llm {
namespace {

using std::chrono::milliseconds;

struct FailureRow {
  std::string_view name;
  bool retryable;
  bool providers_fault;
  std::string_view text;  ///< For the caller; empty: the provider's words, if it has any.
};

constexpr std::array<FailureRow, kFailureKindCount> kFailureRows{{
    {"bad_request", false, false, ""},
    {"context_length", false, false, ""},
    {"content_policy", false, false, ""},
    {"too_large", false, false, ""},
    {"auth", false, true, "the provider refuses our credential: tell the operator"},
    {"not_found", false, true, "the provider does not know this model: tell the operator"},
    {"quota", false, true, "the provider's account is used up: tell the operator"},
    {"rate_limited", true, true, "the provider limits our rate: try again later"},
    {"overloaded", true, true, "the provider is overloaded: try again later"},
    {"timeout", true, true, "the provider was too slow: try again later"},
    {"server", true, true, "the provider failed: try again later"},
    {"unreadable", true, true, "the provider's answer was cut or malformed: try again later"},
    {"unreachable", true, true, "the provider cannot be reached: try again later"},
    {"not_sent", false, false, "this server cannot call the provider now: try again later"},
}};

const FailureRow& RowOf(FailureKind kind) { return kFailureRows[static_cast<std::size_t>(kind)]; }

/// What a provider says about its error, wherever it says it.
struct Words {
  std::string_view message;
  std::string_view type;
  std::string_view code;
  std::string_view param;
  int status = 0;  ///< An HTTP status as its code, which many servers give.
};

int StatusOf(JsonElement error) {
  const std::int64_t code = IntegerAt(error, "code").value_or(0);
  return code >= 400 && code <= 599 ? static_cast<int>(code) : 0;
}

Words WordsOf(JsonElement root) {
  const auto object = ObjectAt(root, "error");
  const JsonElement error = object ? *object : root;
  Words words{StringAt(error, "message"), StringAt(error, "type"), StringAt(error, "code"),
              StringAt(error, "param"), StatusOf(error)};
  // Servers behind a compatible interface: a plain text, or their framework's own field.
  for (const std::string_view other : {"error", "detail", "message"}) {
    if (words.message.empty()) words.message = StringAt(root, other);
  }
  if (const auto inner = ObjectAt(error, "innererror")) {  // Azure.
    const std::string_view code = StringAt(*inner, "code");
    if (!code.empty()) words.code = code;
  }
  return words;
}

bool Has(std::string_view text, std::string_view part) {
  return std::ranges::search(text, part, [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b;
         }).begin() != text.end();
}

bool HasAny(std::string_view text, std::initializer_list<std::string_view> parts) {
  return std::ranges::any_of(parts, [text](std::string_view part) { return Has(text, part); });
}

bool IsContextLength(const Words& words) {
  return words.code == "context_length_exceeded" || words.type == "exceed_context_size_error" ||
         words.type == "model_context_window_exceeded" ||
         HasAny(words.message, {"maximum context length", "context length", "context window",
                                "context limit", "context size", "prompt is too long",
                                "input is too long", "maximum model length"});
}

bool IsContentPolicy(const Words& words) {
  return words.code == "content_filter" || words.code == "content_policy_violation" ||
         words.code == "ResponsibleAIPolicyViolation" || words.type == "content_filter" ||
         HasAny(words.message, {"content management policy", "content policy", "content filter"});
}

bool IsQuota(const Words& words) {
  return words.code == "insufficient_quota" || words.type == "insufficient_quota" ||
         words.type == "billing_error" || words.code == "billing_hard_limit_reached" ||
         HasAny(words.message, {"credit balance", "exceeded your current quota"});
}

/// What the words say when there is no status, as within a stream. A code says more than a type:
/// OpenAI's refusal of a key is an `invalid_request_error`.
FailureKind KindOfType(const Words& words) {
  struct Named {
    std::string_view word;
    FailureKind kind;
  };
  static constexpr Named kNames[] = {
      {"invalid_request_error", FailureKind::kBadRequest},
      {"authentication_error", FailureKind::kAuth},
      {"invalid_api_key", FailureKind::kAuth},
      {"permission_error", FailureKind::kAuth},
      {"not_found_error", FailureKind::kNotFound},
      {"model_not_found", FailureKind::kNotFound},
      {"request_too_large", FailureKind::kTooLarge},
      {"rate_limit_error", FailureKind::kRateLimited},
      {"rate_limit_exceeded", FailureKind::kRateLimited},
      {"overloaded_error", FailureKind::kOverloaded},
      {"server_is_overloaded", FailureKind::kOverloaded},
      {"service_unavailable", FailureKind::kOverloaded},
      {"timeout_error", FailureKind::kTimeout},
  };
  for (const std::string_view word : {words.code, words.type}) {
    const Named* const known = std::ranges::find(kNames, word, &Named::word);
    if (known != std::end(kNames)) return known->kind;
  }
  return FailureKind::kServer;
}

FailureKind KindOfStatus(int status) {
  switch (status) {
    case 401:
    case 403:
      return FailureKind::kAuth;
    case 402:
      return FailureKind::kQuota;
    case 404:
      return FailureKind::kNotFound;
    case 408:
    case 504:
    case 524:
      return FailureKind::kTimeout;
    case 409:
      return FailureKind::kServer;
    case 413:
      return FailureKind::kTooLarge;
    case 429:
      return FailureKind::kRateLimited;
    case 503:
    case 529:
      return FailureKind::kOverloaded;
    default:
      return status >= 400 && status < 500 ? FailureKind::kBadRequest : FailureKind::kServer;
  }
}

FailureKind KindOf(int status, const Words& words) {
  // A failure within an answer of status 200 may name the status that it should have had.
  if (status == 0) status = words.status;
  const FailureKind plain = status == 0 ? KindOfType(words) : KindOfStatus(status);
  const bool callers = plain == FailureKind::kBadRequest || plain == FailureKind::kTooLarge;
  if (IsQuota(words) && (callers || plain == FailureKind::kRateLimited || status == 0)) {
    return FailureKind::kQuota;
  }
  if (callers || status == 0) {
    if (IsContextLength(words)) return FailureKind::kContextLength;
    if (IsContentPolicy(words)) return FailureKind::kContentPolicy;
  }
  return plain;
}

std::string Printable(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return Shortened(out, limits::kMaxRelayedMessageBytes);
}

UpstreamFailure FailureOf(int status, const Words& words) {
  UpstreamFailure failure;
  failure.kind = KindOf(status, words);
  failure.status = status;
  const FailureRow& row = RowOf(failure.kind);
  if (!row.text.empty()) {
    failure.message = row.text;
  } else if (!words.message.empty()) {
    failure.message = Printable(words.message);
    failure.param = Printable(words.param);
  } else {
    failure.message = "the provider refuses this request without saying why";
  }
  return failure;
}

std::optional<milliseconds> Limited(double count, double unit_ms) {
  if (!(count >= 0)) return std::nullopt;  // NaN too.
  const auto most = static_cast<double>(milliseconds(limits::kMaxRetryAfter).count());
  return milliseconds(static_cast<std::int64_t>(std::min(std::ceil(count * unit_ms), most)));
}

std::optional<double> NumberIn(std::optional<std::string_view> text) {
  if (!text || text->empty()) return std::nullopt;
  double value = 0;
  const char* end = text->data() + text->size();
  const auto [read, error] = std::from_chars(text->data(), end, value);
  if (error != std::errc() || read != end) return std::nullopt;
  return value;
}

/// Seconds since 1970 of "Sun, 06 Nov 1994 08:49:37 GMT", the one form that is still sent.
std::optional<std::int64_t> HttpDate(std::optional<std::string_view> text) {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (!text || text->size() != 29 || !text->ends_with(" GMT")) return std::nullopt;
  const auto number = [&](std::size_t at, std::size_t digits) {
    int value = -1;
    const char* begin = text->data() + at;
    const auto [read, error] = std::from_chars(begin, begin + digits, value);
    return error == std::errc() && read == begin + digits ? value : -1;
  };
  const std::size_t month = kMonths.find(text->substr(8, 3));
  const int day = number(5, 2), year = number(12, 4);
  const int hour = number(17, 2), minute = number(20, 2), second = number(23, 2);
  if (month == std::string_view::npos || month % 3 != 0 || day < 1 || day > 31 || year < 1970 ||
      hour < 0 || minute < 0 || second < 0) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month / 3 + 1)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  return ((std::int64_t{days} * 24 + hour) * 60 + minute) * 60 + second;
}

}  // namespace

std::string_view NameOf(FailureKind kind) { return RowOf(kind).name; }
bool IsRetryable(FailureKind kind) { return RowOf(kind).retryable; }
bool IsProvidersFault(FailureKind kind) { return RowOf(kind).providers_fault; }

UpstreamFailure ClassifyAnswer(int status, const std::vector<net::HeaderField>& headers,
                               std::string_view body, JsonScratch& scratch) {
  const auto root = scratch.Parse(body);
  UpstreamFailure failure = FailureOf(status, root ? WordsOf(*root) : Words{});
  TakeAdvice(headers, failure);
  return failure;
}

UpstreamFailure ClassifyFrame(JsonElement error) { return FailureOf(0, WordsOf(error)); }

std::optional<UpstreamFailure> FailureIn(JsonElement frame, std::string_view event) {
  const bool error = event == "error" || StringAt(frame, "type") == "error" ||
                     StringAt(frame, "object") == "error" || MemberAt(frame, "error");
  if (!error) return std::nullopt;
  return ClassifyFrame(frame);
}

void TakeAdvice(const std::vector<net::HeaderField>& headers, UpstreamFailure& failure) {
  failure.retry_after = RetryAfter(headers);
  const auto advice = net::FindField(headers, "x-should-retry");
  if (advice == "true" || advice == "false") failure.should_retry = advice == "true";
}

UpstreamFailure Unreadable(std::string_view what) {
  UpstreamFailure failure;
  failure.kind = FailureKind::kUnreadable;
  failure.message = RowOf(failure.kind).text;
  failure.detail = Printable(what);
  return failure;
}

UpstreamFailure NoAnswer(FailureKind kind, std::string_view why) {
  UpstreamFailure failure;
  failure.kind = kind;
  failure.message = RowOf(kind).text;
  failure.detail = Printable(why);
  return failure;
}

std::optional<milliseconds> RetryAfter(const std::vector<net::HeaderField>& headers) {
  for (const std::string_view name : {"retry-after-ms", "x-ms-retry-after-ms"}) {
    if (const auto count = NumberIn(net::FindField(headers, name))) return Limited(*count, 1);
  }
  const auto text = net::FindField(headers, "retry-after");
  if (const auto seconds = NumberIn(text)) return Limited(*seconds, 1000);
  const auto then = HttpDate(text);
  const auto now = HttpDate(net::FindField(headers, "date"));
  if (!then || !now) return std::nullopt;
  return Limited(static_cast<double>(std::max<std::int64_t>(*then - *now, 0)), 1000);
}

}  // namespace podium::gateway::llm
