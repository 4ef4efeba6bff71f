#include "net/upstream.h"

#include <array>
#include <utility>

#include "net/address.h"

namespace podium::net {
namespace {

constexpr std::array<std::string_view, 5> kPhases = {"connect", "unsent", "sent", "head", "body"};
/// Behind the phase in Error::where.
constexpr std::string_view kCancelled = ", cancelled";

}  // namespace

std::string ToString(const Origin& origin) {
  return (origin.tls ? "https://" : "http://") + ToString(HostPort{origin.host, origin.port});
}

std::string_view NameOf(UpstreamPhase phase) { return kPhases[static_cast<std::size_t>(phase)]; }

std::optional<UpstreamPhase> PhaseOf(const Error& error) {
  std::string_view name = error.where;
  if (name.ends_with(kCancelled)) name.remove_suffix(kCancelled.size());
  for (std::size_t i = 0; i < kPhases.size(); ++i) {
    if (kPhases[i] == name) return static_cast<UpstreamPhase>(i);
  }
  return std::nullopt;
}

Error Cancelled(const Origin& origin, UpstreamPhase phase) {
  std::string where(NameOf(phase));
  where += kCancelled;
  return {ErrorCode::kUnavailable, "the call of " + ToString(origin) + " was cancelled",
          std::move(where), nullptr};
}

bool WasCancelled(const Error& error) {
  return error.where.ends_with(kCancelled) && PhaseOf(error).has_value();
}

bool IsOurs(const Error& error) {
  const bool own = error.code == ErrorCode::kInvalidArgument || error.code == ErrorCode::kLimited ||
                   error.code == ErrorCode::kPermissionDenied;
  return own && PhaseOf(error).has_value();
}

void SendCancel::Cancel() {
  cancelled_ = true;
  const auto end = std::exchange(end_, nullptr);
  if (end) end();
}

}  // namespace podium::net
