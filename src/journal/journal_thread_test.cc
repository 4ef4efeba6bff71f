// One core writes while another thread prepares, syncs, reads and drops: what tsan looks at.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "journal/journal_fixture.h"
#include "testing/temp_dir.h"

namespace podium::journal {
namespace {

TEST(JournalThreads, AReaderFollowsTheWriter) {
  constexpr std::int64_t kAttempts = 5000;
  const testing::TempDir folder;
  const std::unique_ptr<Journal> journal = OpenJournal(SmallJournal(folder / "journal"));

  std::thread core([&] {
    for (std::int64_t i = 0; i < kAttempts;) {
      const auto open = WriteIntent(journal->writer(0), IntentOf("r"));
      if (!open) {
        std::this_thread::yield();  // Full: the other thread is about to make room.
        continue;
      }
      WriteOutcome(journal->writer(0), *open, OutcomeOf(i++));
    }
  });
  AttemptReader reader = OpenReader(*journal);
  std::int64_t next = 0;
  while (next < kAttempts) {
    const Status prepared = journal->Prepare();
    EXPECT_TRUE(prepared || prepared.error().code == ErrorCode::kLimited);
    EXPECT_TRUE(journal->Sync());
    for (const Attempt& attempt : ReadAll(reader, 50)) {
      ASSERT_EQ(attempt.outcome.cost, NanoUsd{next});
      ++next;
    }
    EXPECT_TRUE(reader.Save());
  }
  core.join();
  EXPECT_EQ(reader.figures().damaged, 0U);
  EXPECT_EQ(reader.figures().torn, 0U);
  EXPECT_LT(journal->figures().segments, 5U);
}

}  // namespace
}  // namespace podium::journal
