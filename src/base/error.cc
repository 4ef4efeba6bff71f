#include "base/error.h"

#include <array>
#include <utility>

#include "base/assert.h"

namespace podium {
namespace {

constexpr std::array<ErrorTraits, kErrorCodeCount> kTable = {{
    {"invalid_argument", "Invalid request", 400, false, ErrorLog::kInfo},
    {"unauthenticated", "Not signed in", 401, false, ErrorLog::kInfo},
    {"permission_denied", "Not allowed", 403, false, ErrorLog::kInfo},
    {"not_found", "Not found", 404, false, ErrorLog::kInfo},
    {"method_not_allowed", "Method not allowed", 405, false, ErrorLog::kInfo},
    {"conflict", "Conflict", 409, false, ErrorLog::kInfo},
    {"revision_mismatch", "Precondition failed", 412, false, ErrorLog::kInfo},
    {"too_large", "Too large", 413, false, ErrorLog::kInfo},
    {"unsupported_media_type", "Unsupported content type", 415, false, ErrorLog::kInfo},
    {"unprocessable", "Cannot be carried out", 422, false, ErrorLog::kWarning},
    {"request_timeout", "Request timeout", 408, true, ErrorLog::kInfo},
    {"limited", "Too many requests", 429, true, ErrorLog::kInfo},
    {"unavailable", "Unavailable", 503, true, ErrorLog::kWarning},
    {"deadline_exceeded", "Deadline exceeded", 504, true, ErrorLog::kWarning},
    {"not_implemented", "Not implemented", 501, false, ErrorLog::kInfo},
    {"internal", "Internal error", 500, true, ErrorLog::kError},
}};

}  // namespace

Error Error::At(std::string place) && {
  where = std::move(place);
  return std::move(*this);
}

Error Error::Wrap(ErrorCode outer, std::string text) && {
  return Error{outer, std::move(text), "", std::make_shared<const Error>(std::move(*this))};
}

const ErrorTraits& TraitsOf(ErrorCode code) {
  const auto index = static_cast<std::size_t>(code);
  PODIUM_ASSERT(index < kTable.size());
  return kTable[index];
}

std::string Describe(const Error& error) {
  std::string text = error.message;
  if (!error.where.empty()) text += " (at " + error.where + ")";
  for (const Error* cause = error.cause.get(); cause != nullptr; cause = cause->cause.get()) {
    text += ": " + cause->message;
  }
  return text;
}

}  // namespace podium
