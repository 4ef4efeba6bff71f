// The contract of PredictionStore, on every database.
#include "store/prediction_store_contract.h"

#include <chrono>

#include "base/limits.h"

namespace podium::store {
namespace {

using std::chrono::seconds;
constexpr WallTime kFirstMoment = testing::SimClock::kStart;

INSTANTIATE_TEST_SUITE_P(Stores, PredictionContract, ::testing::ValuesIn(PredictionBackends()),
                         [](const auto& info) { return info.param.name; });

TEST_P(PredictionContract, ARowComesBackAsItWas) {
  PredictionRow full = RowAt(1);
  full.unit = "u'; DROP TABLE prediction_index";
  full.unit_kind = UnitKind::kUser;
  full.assigned = "v2";
  full.served = "v1";
  full.arm = "canary";
  full.reason = "primary_fallback";
  full.propensity = 0.05;
  full.keep = 0.3333333333333333;
  full.bucket = 9'999;
  full.generation = Generation((std::uint64_t{3} << 40U) + 17);
  full.outcome = PredictionOutcome::kTimeout;
  full.status = 504;
  full.cost = NanoUsd{150};
  full.rows = 3;
  full.scores = {0.1, 1e-300, 0.30000000000000004};
  full.offset = 1'000'000'000'000;
  full.challenger.emplace().choice = ChallengerChoice::kFailed;
  full.challenger->u = 0.1;
  full.challenger->weight = 0.3;
  full.challenger->champion = {"v1", SideOutcome::kAnswered, std::chrono::microseconds(7), {0.1}};
  full.challenger->challenger = {"v2", SideOutcome::kFailed, std::nullopt, {}};
  PredictionRow bare = RowAt(2);
  bare.unit.clear();
  bare.assigned.clear();
  bare.served.clear();
  bare.scores.clear();
  Record({full, bare});
  EXPECT_EQ(store_->FindPrediction(full.id).value_or(PredictionRow()), full);
  EXPECT_EQ(store_->FindPrediction(bare.id).value_or(PredictionRow()), bare);
  EXPECT_EQ(store_->FindPrediction("none").error().code, ErrorCode::kNotFound);
}

// What was read again after a crash is there once.
TEST_P(PredictionContract, ARowThatIsKnownIsPassedOver) {
  EXPECT_EQ(store_->RecordPredictions(std::vector{RowAt(1), RowAt(2)})->inserted, 2U);
  PredictionRow other = RowAt(2);
  other.served = "v9";
  const auto again = store_->RecordPredictions(std::vector{other, RowAt(3)});
  ASSERT_TRUE(again);
  EXPECT_EQ(again->taken, 2U);
  EXPECT_EQ(again->inserted, 1U);
  EXPECT_EQ(store_->FindPrediction(other.id)->served, "v1");
}

TEST_P(PredictionContract, OneTransactionTakesSoManyAndNoMore) {
  std::vector<PredictionRow> rows;
  for (int i = 0; i < static_cast<int>(limits::kPredictionTransaction) + 1; ++i) {
    rows.push_back(RowAt(i));
  }
  const auto done = store_->RecordPredictions(rows);
  ASSERT_TRUE(done);
  EXPECT_LE(done->taken, limits::kPredictionTransaction);
  EXPECT_EQ(done->taken, done->inserted);
  Record(rows);
  EXPECT_EQ(Facts("r").facts.size(), rows.size());
}

TEST_P(PredictionContract, AListIsFilteredNewestFirst) {
  PredictionRow failed = RowAt(2);
  failed.outcome = PredictionOutcome::kError;
  failed.unit = "bob";
  PredictionRow fallback = RowAt(3);
  fallback.assigned = "v2";
  Record({RowAt(1), failed, fallback, RowAt(4, "other")});
  using Names = std::vector<std::string>;
  struct Case {
    const char* name;
    std::function<void(PredictionQuery&)> set;
    Names want;
  };
  const Case cases[] = {
      {"all", [](PredictionQuery&) {}, {"q4", "q3", "q2", "q1"}},
      {"of a route", [](PredictionQuery& q) { q.route = "r"; }, {"q3", "q2", "q1"}},
      {"of a version", [](PredictionQuery& q) { q.version = "v2"; }, {"q3"}},
      {"served by", [](PredictionQuery& q) { q.version = "v1"; }, {"q4", "q3", "q2", "q1"}},
      {"failed", [](PredictionQuery& q) { q.outcome = PredictionOutcome::kError; }, {"q2"}},
      {"of a unit", [](PredictionQuery& q) { q.unit = "bob"; }, {"q2"}},
      {"of a unit and route",
       [](PredictionQuery& q) {
         q.route = "r";
         q.unit = "alice";
       },
       {"q3", "q1"}},
      {"of a request", [](PredictionQuery& q) { q.request_id = "q4"; }, {"q4"}},
      {"since", [](PredictionQuery& q) { q.since = kFirstMoment + seconds(3); }, {"q4", "q3"}},
      {"until", [](PredictionQuery& q) { q.until = kFirstMoment + seconds(3); }, {"q2", "q1"}},
      {"none", [](PredictionQuery& q) { q.route = "nobody"; }, {}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    PredictionQuery query;
    c.set(query);
    EXPECT_EQ(Requests(query), c.want);
  }
}

TEST_P(PredictionContract, APageEndsWhereTheNextBegins) {
  std::vector<PredictionRow> rows;
  for (int i = 0; i < 7; ++i) rows.push_back(RowAt(i));
  Record(rows);
  PredictionQuery query;
  query.route = "r";
  query.limit = 3;
  std::vector<std::string> all;
  for (int pages = 1; pages < 10; ++pages) {
    const auto page = store_->ListPredictions(query);
    ASSERT_TRUE(page);
    for (const PredictionRow& row : page->items) all.push_back(row.request_id);
    if (page->next_cursor.empty()) break;
    query.cursor = page->next_cursor;
  }
  EXPECT_EQ(all, (std::vector<std::string>{"q6", "q5", "q4", "q3", "q2", "q1", "q0"}));
  query.limit = 0;
  EXPECT_EQ(store_->ListPredictions(query).error().code, ErrorCode::kInvalidArgument);
  query.limit = limits::kPageMax + 1;
  EXPECT_FALSE(store_->ListPredictions(query));
}

// Sent twice changes nothing; another label replaces the first, and whoever sent it is told.
TEST_P(PredictionContract, FeedbackIsIdempotentAndCanBePutRight) {
  using enum FeedbackFate;
  using Fates = std::vector<FeedbackFate>;
  EXPECT_EQ(Say({LabelOf("q1", 1), LabelOf("q2", 0)}), (Fates{kNew, kNew}));
  Feedback later = LabelOf("q1", 1);
  later.at += seconds(5);
  later.actor = "bob";
  EXPECT_EQ(Say({LabelOf("q2", 1), later}), (Fates{kReplaced, kSame}));
  const auto kept = store_->ReadFeedback("r", "q1");
  ASSERT_TRUE(kept);
  ASSERT_EQ(kept->size(), 1U);
  EXPECT_EQ(kept->at(0), LabelOf("q1", 1));  // The first word stays: nothing has changed.
  EXPECT_EQ(store_->ReadFeedback("r", "q2")->at(0).label, 1);
  EXPECT_TRUE(store_->ReadFeedback("r", "q3")->empty());
  EXPECT_TRUE(store_->ReadFeedback("other", "q1")->empty());
}

TEST_P(PredictionContract, FeedbackComesBackAsItWas) {
  Feedback full = LabelOf("q", 0.30000000000000004);
  full.row = 2;
  full.score = -1.5;
  full.prediction = 1e-300;
  Feedback bare = LabelOf("q", 0);
  bare.label.reset();
  bare.score = 0;
  EXPECT_EQ(Say({full, bare}).size(), 2U);
  EXPECT_EQ(store_->ReadFeedback("r", "q").value_or(std::vector<Feedback>()),
            (std::vector<Feedback>{bare, full}));
}

// Labels come when they come: before the prediction is indexed, or long after.
TEST_P(PredictionContract, FeedbackIsJoinedWheneverItCame) {
  Say({LabelOf("q1", 1)});
  Record({RowAt(1), RowAt(2), RowAt(3)});
  Feedback second = LabelOf("q2", 0);
  Feedback row = LabelOf("q2", 1);
  row.row = 1;
  row.score = 0.5;
  row.prediction = 0.75;
  Say({row, second, LabelOf("q3", 1, "other")});
  const std::vector<PredictionFact> facts = Facts("r").facts;
  ASSERT_EQ(facts.size(), 4U);
  EXPECT_EQ(facts[0].label, 1);
  EXPECT_EQ(facts[0].unit, RowAt(1).unit);
  EXPECT_EQ(facts[0].generation, RowAt(1).generation);
  EXPECT_EQ(facts[1].id, facts[2].id);
  EXPECT_EQ(facts[1].row, 0);
  EXPECT_EQ(facts[1].label, 0);
  EXPECT_EQ(facts[2].row, 1);
  EXPECT_EQ(facts[2].score, 0.5);
  EXPECT_EQ(facts[2].prediction, 0.75);
  EXPECT_FALSE(facts[3].has_feedback);
  EXPECT_EQ(facts[3].scores, std::vector<double>{0.25});
  EXPECT_EQ(facts[3].latency, std::chrono::microseconds(103));
}

TEST_P(PredictionContract, FactsSayWhatChampionAndChallengerMadeOfTheCall) {
  PredictionRow both = RowAt(1);
  both.challenger.emplace();
  both.challenger->choice = ChallengerChoice::kChallenger;
  both.challenger->champion = {"v1", SideOutcome::kAnswered, std::chrono::microseconds(9), {0.5}};
  both.challenger->challenger = {"v2", SideOutcome::kFailed, std::nullopt, {}};
  Record({both, RowAt(2)});
  const std::vector<PredictionFact> facts = Facts("r").facts;
  ASSERT_EQ(facts.size(), 2U);
  EXPECT_EQ(facts[0].challenger, both.challenger);
  EXPECT_FALSE(facts[1].challenger);
}

// A call that is sent again has its request id again: a label is of one prediction, the answered
// one, and counts once.
TEST_P(PredictionContract, FeedbackIsOnTheAnswerAmongThoseThatWereSentAgain) {
  struct Case {
    const char* name;
    std::vector<PredictionOutcome> outcomes;
    std::size_t labelled;
  };
  using enum PredictionOutcome;
  int second = 0;
  for (const Case& c :
       {Case{"one", {kOk}, 0}, Case{"none was answered", {kError, kTimeout}, 1},
        Case{"the second was", {kError, kOk}, 1}, Case{"the first was", {kOk, kTimeout}, 0},
        Case{"both: the last", {kOk, kOk, kError}, 1}}) {
    SCOPED_TRACE(c.name);
    const std::string request = fmt::format("again{}", second);
    std::vector<PredictionRow> rows;
    for (const PredictionOutcome outcome : c.outcomes) {
      rows.push_back(RowAt(++second));
      rows.back().request_id = request;
      rows.back().outcome = outcome;
    }
    PredictionRow elsewhere = RowAt(++second, "other");
    elsewhere.request_id = request;
    Record(rows);
    Record({elsewhere});
    Say({LabelOf(request, 1)});
    EXPECT_EQ(store_->LabelledPrediction("r", request).value_or(""), rows[c.labelled].id);
    int labels = 0;
    for (const PredictionFact& fact : Facts("r").facts) {
      const auto own = std::ranges::find(rows, fact.id, &PredictionRow::id);
      if (own == rows.end()) continue;
      EXPECT_EQ(fact.has_feedback, own - rows.begin() == static_cast<int>(c.labelled));
      ++labels;
    }
    EXPECT_EQ(labels, static_cast<int>(rows.size())) << "each is a fact";
  }
  EXPECT_EQ(store_->LabelledPrediction("r", "unknown").value_or("?"), "");
}

TEST_P(PredictionContract, FactsComeInPagesOfPredictions) {
  std::vector<PredictionRow> rows;
  for (int i = 0; i < 5; ++i) rows.push_back(RowAt(i));
  rows.push_back(RowAt(2, "other"));
  Record(rows);
  Feedback first = LabelOf("q1", 1);
  Feedback second = LabelOf("q1", 0);
  second.row = 1;
  Say({first, second});
  std::vector<std::string> ids;
  std::string after;
  int pages = 0;
  do {
    const FactPage page = Facts("r", 2, after);
    for (const PredictionFact& fact : page.facts) ids.push_back(fact.id);
    after = page.after;
    ++pages;
  } while (!after.empty() && pages < 10);
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(ids, (std::vector<std::string>{rows[0].id, rows[1].id, rows[1].id, rows[2].id,
                                           rows[3].id, rows[4].id}));
}

TEST_P(PredictionContract, FactsArePagedByTheirRowsToo) {
  const std::vector<PredictionRow> rows = {RowAt(0), RowAt(1), RowAt(2)};
  Record(rows);
  std::vector<Feedback> items;
  for (int row = 0; row < 5; ++row) {
    for (const char* request : {"q1", "q2"}) {
      if (std::string_view(request) == "q2" && row > 1) continue;
      items.push_back(LabelOf(request, 1));
      items.back().row = row;
    }
  }
  Say(items);
  FactQuery query{"r", kFirstMoment, kFirstMoment + seconds(9), "", 100};
  query.rows = 3;
  std::vector<std::string> ids;
  std::vector<bool> cuts;
  do {
    const Result<FactPage> page = store_->ReadFacts(query);
    ASSERT_TRUE(page);
    for (const PredictionFact& fact : page->facts) ids.push_back(fact.id);
    cuts.push_back(page->cut);
    query.after = page->after;
  } while (!query.after.empty() && cuts.size() < 10);
  EXPECT_EQ(cuts, (std::vector<bool>{false, true, false}));
  EXPECT_EQ(ids, (std::vector<std::string>{rows[0].id, rows[1].id, rows[1].id, rows[1].id,
                                           rows[2].id, rows[2].id}));
}

TEST_P(PredictionContract, AWindowHasItsFirstMomentAndNotItsLast) {
  Record({RowAt(0), RowAt(1), RowAt(2)});
  const auto count = [&](int from, int until) {
    return store_
        ->ReadFacts({"r", kFirstMoment + seconds(from), kFirstMoment + seconds(until), "", 100})
        ->facts.size();
  };
  EXPECT_EQ(count(0, 2), 2U);
  EXPECT_EQ(count(1, 3), 2U);
  EXPECT_EQ(count(3, 9), 0U);
}

TEST_P(PredictionContract, RetentionDropsTheOldestInSlices) {
  std::vector<PredictionRow> rows;
  for (int i = 0; i < 130; ++i) rows.push_back(RowAt(i));
  Record(rows);
  std::vector<Feedback> items;
  for (int i = 0; i < 3; ++i) {
    items.push_back(LabelOf("q" + std::to_string(i), 1));
    items.back().at = kFirstMoment + seconds(i);
  }
  Say(items);
  std::size_t dropped = 0;
  while (true) {
    const auto some = store_->DropPredictions(kFirstMoment + seconds(120));
    ASSERT_TRUE(some);
    if (*some == 0) break;
    dropped += *some;
  }
  EXPECT_EQ(dropped, 120U);
  EXPECT_EQ(Facts("r").facts.size(), 10U);
  EXPECT_EQ(store_->DropFeedback(kFirstMoment + seconds(2)).value_or(0), 2U);
  EXPECT_EQ(store_->DropFeedback(kFirstMoment + seconds(2)).value_or(9), 0U);
  EXPECT_EQ(store_->ReadFeedback("r", "q2")->size(), 1U);
}

}  // namespace
}  // namespace podium::store
