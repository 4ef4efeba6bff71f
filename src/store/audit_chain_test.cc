#include "store/audit_chain.h"

#include <gtest/gtest.h>

#include <vector>

namespace podium::store {
namespace {

std::vector<Promotion> Chain(int rows) {
  std::vector<Promotion> chain;
  for (int i = 1; i <= rows; ++i) {
    Promotion row;
    row.revision = Revision(i);
    row.route = RouteName("iris");
    row.to = ModelId("m" + std::to_string(i));
    row.reason = "because";
    row.previous_hash = chain.empty() ? "" : chain.back().hash;
    row.hash = HashOf(row);
    chain.push_back(row);
  }
  return chain;
}

AuditVerdict Walk(const std::vector<Promotion>& rows, const ChainHead& head) {
  ChainWalk walk;
  for (const Promotion& row : rows) walk.Add(LinkOf(row));
  return std::move(walk).Finish(head);
}

ChainHead HeadOf(const std::vector<Promotion>& chain) {
  return {chain.empty() ? "" : chain.back().hash, static_cast<std::int64_t>(chain.size())};
}

TEST(AuditChain, AnUntouchedChainIsIntact) {
  for (const int rows : {0, 1, 5}) {
    const auto chain = Chain(rows);
    const AuditVerdict verdict = Walk(chain, HeadOf(chain));
    EXPECT_TRUE(verdict.intact()) << verdict.problem;
    EXPECT_EQ(verdict.rows, rows);
  }
}

// What a thief of history could do, and the first row at which it shows.
TEST(AuditChain, EveryKindOfTamperingShows) {
  using Rows = std::vector<Promotion>;
  struct Case {
    const char* name;
    std::int64_t broken_at;
    void (*tamper)(Rows&);
  };
  const Case cases[] = {
      {"edited", 3, [](Rows& r) { r[2].reason = "another"; }},
      {"edited and hashed anew", 4,
       [](Rows& r) {
         r[2].reason = "another";
         r[2].hash = HashOf(r[2]);
       }},
      {"missing in the middle", 3, [](Rows& r) { r.erase(r.begin() + 2); }},
      {"missing at the start", 1, [](Rows& r) { r.erase(r.begin()); }},
      {"cut tail", 4, [](Rows& r) { r.resize(3); }},
      {"last replaced", 5,
       [](Rows& r) {
         r[4].actor = "eve";
         r[4].hash = HashOf(r[4]);
       }},
      {"added", 6,
       [](Rows& r) {
         Promotion more = r.back();
         more.revision = Revision(6);
         more.previous_hash = r.back().hash;
         more.hash = HashOf(more);
         r.push_back(more);
       }},
      {"swapped", 2, [](Rows& r) { std::swap(r[1], r[2]); }},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Rows rows = Chain(5);
    const ChainHead head = HeadOf(rows);
    c.tamper(rows);
    const AuditVerdict verdict = Walk(rows, head);
    EXPECT_FALSE(verdict.intact());
    EXPECT_EQ(verdict.first_broken, Revision(c.broken_at)) << verdict.problem;
  }
}

// Each field counts, and text cannot wander from one field into the next.
TEST(AuditChain, TheHashCoversEveryField) {
  const Promotion plain = Chain(1)[0];
  void (*const edits[])(Promotion&) = {
      [](Promotion& p) { p.revision = Revision(2); },
      [](Promotion& p) { p.route = RouteName("roses"); },
      [](Promotion& p) { p.kind = PromotionKind::kRollback; },
      [](Promotion& p) { p.from = ModelId("a"); },
      [](Promotion& p) { p.from = ModelId(""); },
      [](Promotion& p) { p.to.reset(); },
      [](Promotion& p) { p.share_before = *BasisPoints::From(1); },
      [](Promotion& p) { p.share_after = *BasisPoints::From(1); },
      [](Promotion& p) { p.undoes = Revision(0); },
      [](Promotion& p) { p.actor = "eve"; },
      [](Promotion& p) { p.origin = "x"; },
      [](Promotion& p) {
        p.reason = "becaus";
        p.request_id = "e";
      },
      [](Promotion& p) { p.request_id = "r"; },
      [](Promotion& p) { p.evidence = "{}"; },
      [](Promotion& p) { p.at += std::chrono::microseconds(1); },
      [](Promotion& p) { p.previous_hash = "0"; },
  };
  for (std::size_t i = 0; i < std::size(edits); ++i) {
    Promotion edited = plain;
    edits[i](edited);
    EXPECT_NE(HashOf(edited), HashOf(plain)) << "edit " << i;
  }
}

// Old registries must stay verifiable: the layout is part of what is stored. The digest is that of
// the same text by Python's hashlib.
TEST(AuditChain, TheLayoutIsFixed) {
  EXPECT_EQ(HashOf(Chain(1)[0]),
            "e231a9b050c1ea4f7d557ac164442f748a8221d7293e3ed5f5cbaa587e03b7f4");
}

}  // namespace
}  // namespace podium::store
