// Appending allocates nothing. Every allocation of this test binary is counted.
#include <gtest/gtest.h>

#include "journal/journal_fixture.h"
#include "testing/count_allocations.h"
#include "testing/temp_dir.h"

namespace podium::journal {
namespace {

TEST(JournalAllocations, AnAttemptAllocatesNothing) {
  const testing::TempDir folder;
  const std::unique_ptr<Journal> journal = OpenJournal(SmallJournal(folder / "journal"));
  Writer& writer = journal->writer(0);
  int written = 0;
  const std::int64_t before = testing::allocations;
  for (int i = 0; i < 60; ++i) {  // Beyond one segment.
    const std::optional<OpenAttempt> open = WriteIntent(writer, IntentOf("a request"));
    if (!open) break;
    WriteOutcome(writer, *open, OutcomeOf(i));
    ++written;
  }
  const std::int64_t after = testing::allocations;
  EXPECT_EQ(after, before);
  EXPECT_EQ(written, 60);
  EXPECT_GT(journal->figures().records * 200, kSmallSegment);
}

}  // namespace
}  // namespace podium::journal
