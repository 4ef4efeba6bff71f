#include "domain/attempt.h"

namespace podium {

std::string_view NameOf(AttemptKind kind) {
  switch (kind) {
    case AttemptKind::kFirst:
      return "first";
    case AttemptKind::kRetry:
      return "retry";
    case AttemptKind::kFallback:
      return "fallback";
    case AttemptKind::kShadow:
      return "shadow";
    case AttemptKind::kChallenger:
      return "challenger";
  }
  return "first";
}

std::string_view NameOf(AttemptStatus status) {
  switch (status) {
    case AttemptStatus::kOk:
      return "ok";
    case AttemptStatus::kError:
      return "error";
    case AttemptStatus::kTimeout:
      return "timeout";
    case AttemptStatus::kCancelled:
      return "cancelled";
    case AttemptStatus::kUnknown:
      return "unknown";
  }
  return "unknown";
}

}  // namespace podium
