// INV-11: every attempt becomes one event, whatever crashes.
#include "journal/attempt_reader.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "base/rng.h"
#include "journal/journal_fixture.h"
#include "testing/temp_dir.h"

namespace podium::journal {
namespace {

namespace fs = std::filesystem;
using Texts = std::vector<std::string>;

std::string BytesOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void WriteFile(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

class AttemptReaderTest : public ::testing::Test {
 protected:
  std::string root() const { return folder_ / "journal"; }
  std::string own() const { return root() + "/" + LogFolderName(kIncarnation); }

  OpenAttempt Begin(std::string_view request, std::size_t core = 0) {
    const auto open = WriteIntent(journal_->writer(core), IntentOf(request));
    EXPECT_TRUE(open);
    EXPECT_TRUE(journal_->Prepare());
    return *open;
  }
  void End(OpenAttempt attempt, std::int64_t cost, std::size_t core = 0) {
    WriteOutcome(journal_->writer(core), attempt, OutcomeOf(cost));
  }

  const testing::TempDir folder_;
  std::unique_ptr<Journal> journal_ = OpenJournal(SmallJournal(root(), 2));
};

TEST_F(AttemptReaderTest, EachAttemptIsReadOnceAsItEnds) {
  AttemptReader reader = OpenReader(*journal_);
  const OpenAttempt slow = Begin("slow");
  const OpenAttempt quick = Begin("quick");
  EXPECT_EQ(TextsOf(ReadAll(reader)), Texts{});
  EXPECT_EQ(reader.figures().open, 2U);
  End(quick, 1);
  EXPECT_EQ(TextsOf(ReadAll(reader)), Texts{"quick ok 1"});
  End(slow, 2);
  End(Begin("other core", 1), 3, 1);
  const std::vector<Attempt> read = ReadAll(reader);
  EXPECT_EQ(TextsOf(read), (Texts{"slow ok 2", "other core ok 3"}));
  EXPECT_EQ(read[0].event_id, EventId(kIncarnation, 0, 1));
  EXPECT_EQ(read[1].event_id, EventId(kIncarnation, 1, 1));
  EXPECT_EQ(TextsOf(ReadAll(reader)), Texts{});
  EXPECT_EQ(reader.figures().open, 0U);
  EXPECT_FALSE(reader.done());
}

TEST_F(AttemptReaderTest, ABatchHasAtMostWhatWasAskedFor) {
  AttemptReader reader = OpenReader(*journal_);
  for (int i = 0; i < 7; ++i) End(Begin("r"), i);
  EXPECT_EQ(ReadAll(reader, 3).size(), 3U);
  EXPECT_EQ(ReadAll(reader, 3).size(), 3U);
  EXPECT_EQ(ReadAll(reader, 3).size(), 1U);
}

// What the process was doing when it ended has an event too, at its estimate.
TEST_F(AttemptReaderTest, AnOpenIntentOfADeadProcessIsUnknown) {
  End(Begin("ended"), 1);
  Begin("open");
  Begin("open on another core", 1);
  journal_.reset();
  const auto dead = OpenDead(root());
  AttemptReader reader = OpenReader(*dead);
  EXPECT_EQ(TextsOf(ReadAll(reader, 2)), (Texts{"ended ok 1", "open unknown 5000"}));
  EXPECT_FALSE(reader.done());
  const std::vector<Attempt> last = ReadAll(reader);
  EXPECT_EQ(TextsOf(last), Texts{"open on another core unknown 5000"});
  EXPECT_TRUE(reader.done());
  EXPECT_TRUE(last[0].outcome.usage.estimated);
  EXPECT_EQ(last[0].outcome.usage.uncached_input, 700);
  EXPECT_EQ(last[0].outcome.price_id, 3);
}

// A long call neither keeps the segments behind it, nor is forgotten with them.
TEST_F(AttemptReaderTest, AnOpenIntentOutlivesItsSegment) {
  const OpenAttempt slow = Begin("slow");
  {
    AttemptReader reader = OpenReader(*journal_);
    for (int i = 0; i < 200; ++i) {
      End(Begin("quick"), i);
      ReadAll(reader);
    }
    ASSERT_TRUE(reader.Save());
  }
  EXPECT_FALSE(fs::exists(own() + "/" + SegmentFileName(0, 1)));
  AttemptReader again = OpenReader(*journal_);
  EXPECT_EQ(again.figures().open, 1U);
  End(slow, 7);
  EXPECT_EQ(TextsOf(ReadAll(again)), Texts{"slow ok 7"});
  EXPECT_EQ(again.figures().damaged, 0U);
}

TEST_F(AttemptReaderTest, WhatWasReadAfterTheCheckpointIsReadAgainUnderTheSameIds) {
  AttemptReader reader = OpenReader(*journal_);
  End(Begin("a"), 1);
  EXPECT_EQ(ReadAll(reader).size(), 1U);
  ASSERT_TRUE(reader.Save());
  End(Begin("b"), 2);
  const std::vector<Attempt> first = ReadAll(reader);
  journal_.reset();
  const auto dead = OpenDead(root());
  AttemptReader again = OpenReader(*dead);
  const std::vector<Attempt> second = ReadAll(again);
  EXPECT_EQ(TextsOf(second), Texts{"b ok 2"});
  EXPECT_EQ(second[0].event_id, first[0].event_id);
}

// Property: whichever bytes of the last record are missing, all records before it are read, the
// last one whole or not at all, and each attempt has one event.
TEST_F(AttemptReaderTest, ATailTornAtAnyByteLosesNoRecordBeforeIt) {
  End(Begin("a"), 1);
  const OpenAttempt last = Begin("b");
  const std::string path = own() + "/" + SegmentFileName(0, 1);
  const std::string before = BytesOf(path);
  End(last, 2);
  const std::string whole = BytesOf(path);
  journal_.reset();
  std::size_t from = 0;
  while (before[from] == whole[from]) ++from;
  std::size_t to = whole.size();
  while (before[to - 1] == whole[to - 1]) --to;
  ASSERT_GT(to - from, 50U);
  const auto dead = OpenDead(root());
  for (std::size_t cut = from; cut <= to; ++cut) {
    SCOPED_TRACE(cut);
    // Memory is not written in order: once the bytes from the cut on are missing, once those
    // before.
    for (const bool tail : {true, false}) {
      const std::string torn = tail ? whole.substr(0, cut) + before.substr(cut)
                                    : before.substr(0, cut) + whole.substr(cut);
      WriteFile(path, torn);
      const auto log =
          std::make_unique<testing::TempDir>();  // A copy, read by a reader of its own.
      const std::string copy = *log / LogFolderName(kIncarnation);
      fs::create_directory(copy);
      fs::copy_file(path, copy + "/" + SegmentFileName(0, 1));
      auto opened = DeadLog::Open(copy);
      ASSERT_TRUE(opened && *opened);
      AttemptReader reader = OpenReader(**opened);
      const bool complete = torn == whole;
      EXPECT_EQ(TextsOf(ReadAll(reader)),
                (Texts{"a ok 1", complete ? "b ok 2" : "b unknown 5000"}));
      EXPECT_EQ(reader.figures().torn, complete || torn == before ? 0U : 1U);
      EXPECT_EQ(reader.figures().damaged, 0U);
      EXPECT_TRUE(reader.done());
    }
  }
}

TEST_F(AttemptReaderTest, ADamagedSegmentCostsOnlyItself) {
  for (int i = 0; i < 300; ++i) End(Begin("r"), i);
  journal_.reset();
  for (const bool head : {true, false}) {
    const std::string path = own() + "/" + SegmentFileName(0, 2);
    std::string bytes = BytesOf(path);
    bytes[head ? 3 : kSegmentHeadBytes + 3] ^= 1;
    WriteFile(path, bytes);
    const auto dead = OpenDead(root());
    AttemptReader reader = OpenReader(*dead);
    const std::vector<Attempt> read = ReadAll(reader);
    EXPECT_LT(read.size(), 300U);
    EXPECT_GT(read.size(), 200U);
    EXPECT_EQ(read.back().outcome.status == AttemptStatus::kUnknown ||
                  read.back().outcome.cost == NanoUsd{299},
              true);
    EXPECT_GT(reader.figures().damaged, 0U);
    bytes[head ? 3 : kSegmentHeadBytes + 3] ^= 1;
    WriteFile(path, bytes);
  }
}

TEST_F(AttemptReaderTest, AMissingSegmentIsSaid) {
  for (int i = 0; i < 300; ++i) End(Begin("r"), i);
  journal_.reset();
  fs::remove(own() + "/" + SegmentFileName(0, 2));
  const auto dead = OpenDead(root());
  AttemptReader reader = OpenReader(*dead);
  EXPECT_LT(ReadAll(reader).size(), 300U);
  EXPECT_GT(reader.figures().damaged, 0U);
}

// Without its checkpoint a log is read from what is left of it: the ids stay the same.
TEST_F(AttemptReaderTest, ADamagedCheckpointOnlyCostsReadingAgain) {
  {
    AttemptReader reader = OpenReader(*journal_);
    End(Begin("a"), 1);
    ReadAll(reader);
    ASSERT_TRUE(reader.Save());
  }
  journal_.reset();
  const std::string path = own() + "/checkpoint";
  const std::string whole = BytesOf(path);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    WriteFile(path, whole.substr(0, size));
    const auto dead = OpenDead(root());
    AttemptReader reader = OpenReader(*dead);
    EXPECT_EQ(TextsOf(ReadAll(reader)), Texts{"a ok 1"}) << size;
    EXPECT_EQ(reader.figures().damaged, 1U) << size;
  }
}

TEST_F(AttemptReaderTest, WhatCannotBeReadIsAnErrorAndNoLoss) {
  End(Begin("a"), 1);
  journal_.reset();
  for (const std::string& name : {SegmentFileName(0, 1), std::string("checkpoint")}) {
    const std::string path = own() + "/" + name;
    const bool there = fs::exists(path);
    if (there) fs::rename(path, own() + "/kept");
    fs::create_directory(path);  // Reading it fails.
    const auto dead = OpenDead(root());
    Result<AttemptReader> reader = AttemptReader::Open(*dead);
    const ErrorCode code = reader ? reader->Read(10).error().code : reader.error().code;
    EXPECT_EQ(code, ErrorCode::kUnavailable) << name;
    fs::remove(path);
    if (there) fs::rename(own() + "/kept", path);
  }
  const auto dead = OpenDead(root());
  AttemptReader reader = OpenReader(*dead);
  EXPECT_EQ(TextsOf(ReadAll(reader)), Texts{"a ok 1"});
}

TEST_F(AttemptReaderTest, ACheckpointThatCannotBeWrittenDropsNothing) {
  AttemptReader reader = OpenReader(*journal_);
  for (int i = 0; i < 100; ++i) End(Begin("r"), i);
  ReadAll(reader);
  const std::uint64_t segments = journal_->figures().segments;
  fs::create_directories(own() + "/checkpoint/in the way");
  const Status saved = reader.Save();
  ASSERT_FALSE(saved);
  EXPECT_EQ(saved.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(journal_->figures().segments, segments);
  fs::remove_all(own() + "/checkpoint");
  EXPECT_TRUE(reader.Save());
  EXPECT_LT(journal_->figures().segments, segments);
}

// A random history of writers and readers that end at random moments, without a clean stop: the
// events, taken by their ids, are those of all attempts, each once.
TEST(AttemptReaderProperty, EachAttemptHasOneEventWhateverIsReadWhen) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(seed);
    const testing::TempDir folder;
    SeededRng rng(seed);
    std::set<std::string> begun;
    std::map<std::string, std::string> events;
    const auto store = [&](const std::vector<Attempt>& attempts) {
      for (const Attempt& attempt : attempts) {
        events.try_emplace(attempt.event_id, TextsOf({attempt}).front());
      }
    };
    JournalOptions options = SmallJournal(folder / "journal", 2);
    std::map<std::string, std::string> want;
    for (std::uint64_t life = 1; life <= 3; ++life) {
      options.incarnation = life;
      const auto journal = OpenJournal(options);
      std::vector<std::pair<std::size_t, OpenAttempt>> open;
      auto reader = std::make_unique<AttemptReader>(OpenReader(*journal));
      for (int step = 0; step < 300; ++step) {
        const std::uint64_t dice = rng.Next64() % 10;
        const auto core = static_cast<std::size_t>(rng.Next64() % 2);
        if (dice < 4) {
          const auto begin = WriteIntent(journal->writer(core), IntentOf("r"));
          if (begin) {
            open.emplace_back(core, *begin);
            want[EventId(life, static_cast<std::uint32_t>(core), begin->sequence)] =
                "r unknown 5000";
          }
        } else if (dice < 7 && !open.empty()) {
          const std::size_t which = rng.Next64() % open.size();
          const auto [of_core, attempt] = open[which];
          open.erase(open.begin() + static_cast<std::ptrdiff_t>(which));
          WriteOutcome(journal->writer(of_core), attempt, OutcomeOf(step));
          want[EventId(life, static_cast<std::uint32_t>(of_core), attempt.sequence)] =
              fmt::format("r ok {}", step);
        } else if (dice == 7) {
          EXPECT_TRUE(journal->Prepare());
        } else if (dice == 8) {
          store(ReadAll(*reader, rng.Next64() % 20));
          if (rng.Next64() % 2 == 0) EXPECT_TRUE(reader->Save());
        } else if (rng.Next64() % 5 == 0) {  // The reader alone ends and begins anew.
          reader = std::make_unique<AttemptReader>(OpenReader(*journal));
        }
      }
    }
    for (const std::string& name : LogFolders(folder / "journal")) {
      auto dead = DeadLog::Open(name);
      ASSERT_TRUE(dead && *dead);
      AttemptReader reader = OpenReader(**dead);
      while (!reader.done()) store(ReadAll(reader, 7));
      EXPECT_EQ(reader.figures().damaged, 0U);
      EXPECT_EQ(reader.figures().torn, 0U);
    }
    EXPECT_EQ(events, want);
    EXPECT_GT(events.size(), 100U);
  }
}

}  // namespace
}  // namespace podium::journal
