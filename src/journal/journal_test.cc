#include "journal/journal.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "journal/journal_fixture.h"
#include "testing/temp_dir.h"

namespace podium::journal {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFollowUp = 100;

/// While it lives, no file of this process may grow beyond `bytes`: as on a full disk.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) : before_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &limit_);
    const rlimit small{bytes, limit_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &limit_);
    std::signal(SIGXFSZ, before_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit limit_{};
  void (*before_)(int);
};

class JournalTest : public ::testing::Test {
 protected:
  std::string root() const { return folder_ / "journal"; }
  std::string own() const { return root() + "/" + LogFolderName(kIncarnation); }
  std::size_t Files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(own()), fs::directory_iterator()));
  }

  const testing::TempDir folder_;
};

TEST_F(JournalTest, SequencesHaveNoGapsOverSegments) {
  JournalOptions options = SmallJournal(root());
  options.segments_per_core = 20;
  const auto journal = OpenJournal(options);
  const std::string large(limits::kMaxJournalRecordBytes, 'x');
  for (std::uint64_t want = 1; want <= 20; ++want) {
    EXPECT_EQ(journal->writer(0).Append(RecordType::kIntent, large, 0), want);
    EXPECT_TRUE(journal->Prepare());
  }
  EXPECT_GT(journal->figures().segments, 5U);
}

// The caller decides what a full journal means; the journal only says so, and never waits.
TEST_F(JournalTest, AFullJournalSaysSo) {
  const auto journal = OpenJournal(SmallJournal(root()));
  Writer& writer = journal->writer(0);
  const std::string large(limits::kMaxJournalRecordBytes, 'x');
  std::uint64_t written = 0;
  while (writer.Append(RecordType::kIntent, large, 0)) ++written;
  EXPECT_EQ(written, 5U);  // Of two segments, with the room that the ends of segments may cost.
  EXPECT_EQ(journal->figures().refused, 1U);
  EXPECT_FALSE(writer.Append(RecordType::kIntent, large, 0));
  EXPECT_EQ(journal->figures().refused, 2U);
  EXPECT_TRUE(journal->Prepare());
  EXPECT_TRUE(writer.Append(RecordType::kIntent, large, 0));
}

// Who can do without a record stops at half, long before those who cannot are refused.
TEST_F(JournalTest, HalfOfItIsFreeUntilItIsNot) {
  const auto journal = OpenJournal(SmallJournal(root()));
  Writer& writer = journal->writer(0);
  const std::string large(limits::kMaxJournalRecordBytes, 'x');
  EXPECT_TRUE(writer.IsHalfFree());
  while (writer.IsHalfFree()) ASSERT_TRUE(writer.Append(RecordType::kIntent, large, 0));
  EXPECT_TRUE(writer.Append(RecordType::kIntent, large, 0));
  EXPECT_TRUE(journal->Prepare());
  EXPECT_TRUE(writer.IsHalfFree());
}

TEST_F(JournalTest, NoMoreThanItsSegmentsAreKeptUnread) {
  const auto journal = OpenJournal(SmallJournal(root()));
  Writer& writer = journal->writer(0);
  const std::string large(limits::kMaxJournalRecordBytes, 'x');
  while (journal->Prepare()) {
    while (writer.Append(RecordType::kIntent, large, 0)) {
    }
  }
  EXPECT_EQ(journal->figures().segments, 8U);
  EXPECT_EQ(journal->Prepare().error().code, ErrorCode::kLimited);
  EXPECT_FALSE(writer.Append(RecordType::kIntent, large, 0));
  // Read and stored: there is room again, and the files are gone.
  journal->DropBefore(0, 3);
  EXPECT_EQ(Files(), 6U);
  EXPECT_TRUE(journal->Prepare());
  EXPECT_TRUE(writer.Append(RecordType::kIntent, large, 0));
}

// However full the journal is, what has begun can be ended.
TEST_F(JournalTest, RoomForTheFollowUpIsKept) {
  for (const std::size_t payload : {1U, 100U, 1000U, 4000U}) {
    SCOPED_TRACE(payload);
    const testing::TempDir folder;
    const auto journal = OpenJournal(SmallJournal(folder / "journal"));
    Writer& writer = journal->writer(0);
    const std::string text(payload, 'x');
    std::uint64_t begun = 0;
    while (writer.Append(RecordType::kIntent, text, kFollowUp)) ++begun;
    EXPECT_GT(begun, 0U);
    for (std::uint64_t i = 0; i < begun; ++i) {
      writer.AppendFollowUp(RecordType::kOutcome, std::string(kFollowUp, 'y'), kFollowUp);
    }
    EXPECT_EQ(journal->figures().records, 2 * begun);
  }
}

TEST_F(JournalTest, AFollowUpWithoutRoomKeptIsAFault) {
  const auto journal = OpenJournal(SmallJournal(root()));
  EXPECT_DEATH(journal->writer(0).AppendFollowUp(RecordType::kOutcome, "x", 1), "reserved_");
  EXPECT_TRUE(journal->writer(0).Append(RecordType::kIntent, "x", 1));
  EXPECT_DEATH(journal->writer(0).AppendFollowUp(RecordType::kOutcome, "xy", 1), "follow_up");
}

TEST_F(JournalTest, AFullDiskMakesItFullUntilThereIsRoom) {
  std::unique_ptr<Journal> journal;
  {
    const FullDisk disk(kSmallSegment / 2);
    journal = OpenJournal(SmallJournal(root()));
    const Status prepared = journal->Prepare();
    ASSERT_FALSE(prepared);
    EXPECT_EQ(prepared.error().code, ErrorCode::kUnavailable);
    EXPECT_NE(prepared.error().message.find("make room"), std::string::npos);
    EXPECT_FALSE(journal->writer(0).Append(RecordType::kIntent, "x", 0));
    EXPECT_EQ(Files(), 0U) << "half a segment was left";
  }
  EXPECT_TRUE(journal->Prepare());
  EXPECT_TRUE(journal->writer(0).Append(RecordType::kIntent, "x", 0));
}

// The registry must still be able to roll back when somebody's log has filled the disk.
TEST_F(JournalTest, TheLastRoomOfADiskIsLeftToTheRegistry) {
  const std::uint64_t free = fs::space(folder_.path()).available;
  JournalOptions options = SmallJournal(root());
  options.disk_reserve = free + (std::uint64_t{1} << 40);
  const auto journal = OpenJournal(options);
  const Status prepared = journal->Prepare();
  ASSERT_FALSE(prepared);
  EXPECT_EQ(prepared.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(prepared.error().message.find("make room"), std::string::npos);
  EXPECT_FALSE(journal->writer(0).Append(RecordType::kIntent, "x", 0));
  EXPECT_EQ(Files(), 0U);
}

TEST_F(JournalTest, AFolderThatCannotBeMadeIsSaid) {
  std::ofstream(root()) << "a file";
  const auto refused = Journal::Open(SmallJournal(root()));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(refused.error().message.find(LogFolderName(kIncarnation)), std::string::npos);
}

TEST_F(JournalTest, AFolderThatWentAwayMakesItFull) {
  const auto journal = OpenJournal(SmallJournal(root()));
  fs::remove_all(root());
  const std::string large(limits::kMaxJournalRecordBytes, 'x');
  while (journal->writer(0).Append(RecordType::kIntent, large, 0)) {
  }
  EXPECT_EQ(journal->Prepare().error().code, ErrorCode::kUnavailable);
}

TEST_F(JournalTest, TheSameIncarnationIsNotOpenedTwice) {
  const auto journal = OpenJournal(SmallJournal(root()));
  EXPECT_FALSE(Journal::Open(SmallJournal(root())));
}

// Two processes may share a data directory: one never reads what the other still writes.
TEST_F(JournalTest, TheLogOfALivingProcessIsNotRead) {
  auto journal = OpenJournal(SmallJournal(root()));
  EXPECT_EQ(LogFolders(root()), std::vector<std::string>{own()});
  EXPECT_EQ(OpenDead(root()), nullptr);
  journal.reset();
  const auto dead = OpenDead(root());
  ASSERT_NE(dead, nullptr);
  EXPECT_EQ(dead->incarnation(), kIncarnation);
  EXPECT_EQ(OpenDead(root()), nullptr) << "two readers of one log";
  dead->Remove();
  EXPECT_TRUE(LogFolders(root()).empty());
}

TEST_F(JournalTest, OnlyLogsAreTakenForLogs) {
  fs::create_directories(root() + "/0000000000000001.new");
  fs::create_directories(root() + "/lost+found");
  fs::create_directories(root() + "/1");
  EXPECT_TRUE(LogFolders(root()).empty());
  EXPECT_TRUE(LogFolders(folder_ / "nothing").empty());
  EXPECT_FALSE(DeadLog::Open(root() + "/1"));
}

// Whoever ticks asks first, so that a server at rest wakes nobody.
TEST_F(JournalTest, SaysWhetherThereIsAnythingToDo) {
  const auto journal = OpenJournal(SmallJournal(root(), 2));
  EXPECT_FALSE(journal->wants_segments());
  EXPECT_FALSE(journal->unsynced());
  ASSERT_TRUE(journal->writer(1).Append(RecordType::kIntent, "x", 0));
  EXPECT_TRUE(journal->wants_segments()) << "its first segment is in use";
  EXPECT_TRUE(journal->unsynced());
  EXPECT_TRUE(journal->Prepare());
  EXPECT_FALSE(journal->wants_segments());
  EXPECT_TRUE(journal->Sync());
  EXPECT_FALSE(journal->unsynced());
  ASSERT_TRUE(journal->writer(1).Append(RecordType::kIntent, "x", 0));
  EXPECT_FALSE(journal->wants_segments());
  EXPECT_TRUE(journal->unsynced());
}

TEST_F(JournalTest, AFullJournalWantsSegmentsUntilItHasThem) {
  const auto journal = OpenJournal(SmallJournal(root()));
  const std::string large(limits::kMaxJournalRecordBytes, 'x');
  while (journal->Prepare()) {
    while (journal->writer(0).Append(RecordType::kIntent, large, 0)) {
    }
  }
  EXPECT_TRUE(journal->wants_segments());
  journal->DropBefore(0, 3);
  EXPECT_TRUE(journal->wants_segments());
  EXPECT_TRUE(journal->Prepare());
  EXPECT_FALSE(journal->wants_segments());
}

TEST_F(JournalTest, SyncWritesWithoutComplaint) {
  const auto journal = OpenJournal(SmallJournal(root(), 2));
  EXPECT_TRUE(journal->Sync());
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(journal->writer(1).Append(RecordType::kIntent, std::string(1000, 'x'), 0));
    EXPECT_TRUE(journal->Sync());
    EXPECT_TRUE(journal->Prepare());
  }
}

}  // namespace
}  // namespace podium::journal
