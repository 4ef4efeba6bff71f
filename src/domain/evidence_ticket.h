// What an answer of a rollout carries so that its outcome can be told of later: which coin it was.
//
// The arm and the epoch are those in force when the request was assigned, whenever the outcome
// comes to light: a test of labels is right by these only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/ids.h"

namespace podium {

namespace limits {
inline constexpr std::size_t kMaxTicketBytes = 256;
}  // namespace limits

struct EvidenceTicket {
  RolloutId rollout;
  std::uint32_t epoch = 0;
  bool canary = false;
  std::uint64_t unit = 0;  ///< The hash whose bucket decided.
  std::uint32_t rank = 0;  ///< Sticky units: of the request among its key's in the epoch, from 0.
  bool operator==(const EvidenceTicket&) const = default;
};

/// "ID.EPOCH.c.UNIT.RANK" ("p" for the primary's arm), the unit in 16 hex digits.
std::string ToText(const EvidenceTicket& ticket);
/// kInvalidArgument for what ToText did not write.
Result<EvidenceTicket> ParseEvidenceTicket(std::string_view text);

}  // namespace podium
