#include "domain/evidence_ticket.h"

#include <fmt/format.h>

#include <charconv>
#include <system_error>

namespace podium {
namespace {

constexpr std::size_t kUnitDigits = 16;

Failure NoTicket() {
  return Fail(ErrorCode::kInvalidArgument,
              "this is no ticket: send x-podium-ticket as the answer had it");
}

// Takes what stands behind the last dot off `text`.
std::string_view TakeLast(std::string_view& text) {
  const std::size_t dot = text.rfind('.');
  if (dot == std::string_view::npos) return {};
  const std::string_view last = text.substr(dot + 1);
  text = text.substr(0, dot);
  return last;
}

template <typename Number>
bool IsNumber(std::string_view text, int base, Number& number) {
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number, base);
  return !text.empty() && read.ec == std::errc() && read.ptr == end;
}

}  // namespace

std::string ToText(const EvidenceTicket& ticket) {
  return fmt::format("{}.{}.{}.{:016x}.{}", ticket.rollout.get(), ticket.epoch,
                     ticket.canary ? 'c' : 'p', ticket.unit, ticket.rank);
}

Result<EvidenceTicket> ParseEvidenceTicket(std::string_view text) {
  if (text.size() > limits::kMaxTicketBytes) return NoTicket();
  EvidenceTicket ticket;
  const std::string_view rank = TakeLast(text);
  const std::string_view unit = TakeLast(text);
  const std::string_view arm = TakeLast(text);
  const std::string_view epoch = TakeLast(text);
  ticket.rollout = RolloutId(std::string(text));
  ticket.canary = arm == "c";
  const bool read = !text.empty() && (arm == "c" || arm == "p") && unit.size() == kUnitDigits &&
                    IsNumber(unit, 16, ticket.unit) && IsNumber(rank, 10, ticket.rank) &&
                    IsNumber(epoch, 10, ticket.epoch);
  if (!read) return NoTicket();
  return ticket;
}

}  // namespace podium
