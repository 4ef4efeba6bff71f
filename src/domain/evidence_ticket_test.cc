#include "domain/evidence_ticket.h"

#include <gtest/gtest.h>

#include <string>

namespace podium {
namespace {

// What an answer carried away must lead back to the same coin, whatever its id looks like.
TEST(EvidenceTicket, ReadsBackAsItWasWritten) {
  for (const EvidenceTicket& ticket :
       {EvidenceTicket{RolloutId("r1"), 0, false, 0, 0},
        EvidenceTicket{RolloutId("a.b.c"), 4'294'967'295u, true, UINT64_MAX, 255}}) {
    const Result<EvidenceTicket> read = ParseEvidenceTicket(ToText(ticket));
    ASSERT_TRUE(read) << ToText(ticket);
    EXPECT_EQ(*read, ticket);
  }
  EXPECT_EQ(ToText({RolloutId("r1"), 2, true, 255, 3}), "r1.2.c.00000000000000ff.3");
}

// A ticket that was cut or changed is refused: it must not count as another coin.
TEST(EvidenceTicket, RefusesWhatItDidNotWrite) {
  for (const std::string text :
       {"", "r1", ".2.c.00000000000000ff.3", "r1.2.c.00000000000000ff", "r1.2.x.00000000000000ff.3",
        "r1.2.c.ff.3", "r1.2.c.00000000000000fg.3", "r1.-1.c.00000000000000ff.3",
        "r1.2.c.00000000000000ff.3 ", "r1.4294967296.c.00000000000000ff.3",
        "r1..c.00000000000000ff.3"}) {
    const Result<EvidenceTicket> read = ParseEvidenceTicket(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_FALSE(
      ParseEvidenceTicket(std::string(limits::kMaxTicketBytes, 'r') + ".2.c.00000000000000ff.3"));
}

}  // namespace
}  // namespace podium
