#include "journal/attempt.h"

#include <gtest/gtest.h>

#include <string>

#include "journal/journal_fixture.h"

namespace podium::journal {
namespace {

TEST(Attempt, AnIntentIsReadAsItWasWritten) {
  IntentView intent = IntentOf("r1");
  intent.kind = AttemptKind::kFallback;
  intent.number = 3;
  intent.user_id = "u";
  intent.key_id = "k";
  intent.workflow_run_id = "w";
  intent.estimate.estimated = true;
  RecordBuffer buffer;
  const Result<Intent> read = DecodeIntent(EncodeIntent(intent, buffer));
  ASSERT_TRUE(read) << Describe(read.error());
  EXPECT_EQ(read->at, intent.at);
  EXPECT_EQ(read->kind, AttemptKind::kFallback);
  EXPECT_EQ(read->number, 3U);
  EXPECT_EQ(read->route, "chat");
  EXPECT_EQ(read->model, "gpt-mini");
  EXPECT_EQ(read->version, "chat-v1");
  EXPECT_EQ(read->provider, "openai");
  EXPECT_EQ(read->upstream_model, "gpt-mini-2026");
  EXPECT_EQ(read->request_id, "r1");
  EXPECT_EQ(read->user_id, "u");
  EXPECT_EQ(read->key_id, "k");
  EXPECT_EQ(read->workflow_run_id, "w");
  EXPECT_EQ(read->estimate, intent.estimate);
  EXPECT_EQ(read->estimated_cost, NanoUsd{5'000});
  EXPECT_EQ(read->price_id, 3);
}

// A cost that nobody knows is not a cost of zero.
TEST(Attempt, AnOutcomeIsReadAsItWasWritten) {
  OutcomeRecord record{17, OutcomeOf(42)};
  record.outcome.status = AttemptStatus::kTimeout;
  record.outcome.usage = {1, 2, 3, 4, 5, 6, 7, 8, 9, true, true};
  RecordBuffer buffer;
  for (const std::optional<NanoUsd> cost : {std::optional(NanoUsd{42}), std::optional<NanoUsd>()}) {
    record.outcome.cost = cost;
    const Result<OutcomeRecord> read = DecodeOutcome(EncodeOutcome(record, buffer));
    ASSERT_TRUE(read) << Describe(read.error());
    EXPECT_EQ(read->intent, 17U);
    EXPECT_EQ(read->outcome.ended, record.outcome.ended);
    EXPECT_EQ(read->outcome.status, AttemptStatus::kTimeout);
    EXPECT_EQ(read->outcome.usage, record.outcome.usage);
    EXPECT_EQ(read->outcome.cost, cost);
    EXPECT_EQ(read->outcome.price_id, 3);
  }
}

TEST(Attempt, TextsAreCutAtTheirLimit) {
  const std::string most(limits::kMaxJournalTextBytes, 'm');
  const std::string longer = most + "m";
  RecordBuffer buffer;
  EXPECT_EQ(DecodeIntent(EncodeIntent(IntentOf(most), buffer))->request_id, most);
  IntentView all = IntentOf(longer);
  all.route = all.model = all.version = all.provider = all.upstream_model = all.user_id =
      all.key_id = all.workflow_run_id = longer;
  const Result<Intent> read = DecodeIntent(EncodeIntent(all, buffer));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->request_id, most);
  EXPECT_EQ(read->workflow_run_id, most);
}

// A record of another release, or one cut short, is refused and not guessed at.
TEST(Attempt, BytesThatAreNoRecordAreRefused) {
  RecordBuffer buffer;
  const std::string intent(EncodeIntent(IntentOf("r1"), buffer));
  const std::string outcome(EncodeOutcome({1, OutcomeOf(1)}, buffer));
  for (std::size_t size = 0; size < intent.size(); ++size) {
    EXPECT_FALSE(DecodeIntent(std::string_view(intent).substr(0, size))) << size;
  }
  for (std::size_t size = 0; size < outcome.size(); ++size) {
    EXPECT_FALSE(DecodeOutcome(std::string_view(outcome).substr(0, size))) << size;
  }
  EXPECT_FALSE(DecodeIntent(intent + "x"));
  EXPECT_FALSE(DecodeOutcome(outcome + "x"));
  for (const std::size_t at : {0U, 1U}) {  // Format; kind or status.
    std::string other = intent;
    other[at] = 99;
    EXPECT_FALSE(DecodeIntent(other));
    other = outcome;
    other[at] = 99;
    EXPECT_FALSE(DecodeOutcome(other));
  }
}

TEST(Attempt, EventIdsNameProcessCoreAndSequence) {
  EXPECT_EQ(EventId(0xa3f1, 2, 17), "000000000000a3f1-2-17");
}

}  // namespace
}  // namespace podium::journal
