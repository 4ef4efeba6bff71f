#include "view/left_tally.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <map>

#include "base/whole_file.h"
#include "testing/temp_dir.h"
#include "view/rollout_tally.h"

namespace podium::view {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

RolloutMark MarkOfLeft(SplitUnit unit) {
  RolloutMark mark;
  mark.id = RolloutId("ro");
  mark.epoch = 3;
  mark.unit = unit;
  mark.thresholds.latency_ms = {100, 500, 900};
  return mark;
}

/// A key whose cell among those seen is its own.
std::uint64_t KeyNumber(std::uint64_t number) { return number << 44U | number; }

class LeftTallyTest : public ::testing::Test {
 protected:
  std::shared_ptr<RolloutTally> Begin(SplitUnit unit) {
    auto folder = TallyFolder::Make(root_.path(), "inc");
    EXPECT_TRUE(folder);
    tallies_.emplace(2, std::move(*folder));
    return tallies_->Of(MarkOfLeft(unit));
  }
  static void Ask(RolloutTally& tally, std::size_t core, bool canary, std::uint64_t unit,
                  bool fails) {
    const RolloutTicket ticket = tally.Admit(core, canary, unit);
    tally.Record(core, ticket, {.failed = fails, .latency = milliseconds(1)});
  }
  std::string FolderPath() const { return root_ / "inc"; }
  std::string Bytes() const { return **ReadWholeFile(FolderPath() + "/0001.tally", 1U << 30U); }
  Result<LeftTally> Read() const { return ReadLeftTally(Bytes()); }

  const testing::TempDir root_;
  std::optional<RolloutTallies> tallies_;
};

// While the process lives its file says what a crash now would leave.
TEST_F(LeftTallyTest, SaysWhatWasCountedByRequest) {
  const auto tally = Begin(SplitUnit::kRequest);
  Ask(*tally, 0, false, 1, false);
  Ask(*tally, 1, false, 2, true);
  Ask(*tally, 1, true, 3, true);
  tally->Admit(0, true, 4);  // Under way when it dies.
  tally->Ineligible(1);
  const Result<LeftTally> left = Read();
  ASSERT_TRUE(left) << Describe(left.error());
  EXPECT_EQ(left->rollout, RolloutId("ro"));
  EXPECT_EQ(left->epoch, 3U);
  EXPECT_EQ(left->incarnation, "inc");
  EXPECT_EQ(left->primary.units, 2U);
  EXPECT_EQ(left->primary.requests, 2U);
  EXPECT_EQ(left->primary.bad, (std::array<std::uint64_t, 10>{1, 1, 1, 1}));
  EXPECT_EQ(left->canary.units, 2U);
  EXPECT_EQ(left->canary.requests, 1U);
  EXPECT_EQ(left->ineligible, 1U);
  EXPECT_TRUE(left->keys.empty());
}

TEST_F(LeftTallyTest, SaysOfEachKeyWhatTheTallyWouldHaveTold) {
  const auto tally = Begin(SplitUnit::kSession);
  for (std::uint64_t i = 0; i < 400; ++i) {
    Ask(*tally, i % 2, i % 7 == 0, KeyNumber(i % 23), i % 3 == 0 || i % 23 == 5);
  }
  const Result<LeftTally> left = Read();
  ASSERT_TRUE(left) << Describe(left.error());
  std::map<std::pair<std::uint64_t, std::size_t>, KeyRecord> read;
  for (const MergedKey& key : left->keys) {
    ForEachSeries(key.hit(), [&](std::size_t s) { read[{key.unit, s}] = key.RecordOf(s); });
  }
  const std::vector<KeyRecord> told = tally->TakeChanged();
  EXPECT_EQ(read.size(), told.size());
  EXPECT_GT(told.size(), 60U);
  for (const KeyRecord& record : told) {
    const KeyRecord& same = read[{record.unit, record.series}];
    EXPECT_EQ(same.first_rank, record.first_rank);
    EXPECT_EQ(same.second_rank, record.second_rank);
    EXPECT_EQ(same.bad, record.bad);
    EXPECT_EQ(same.seen, record.seen);
  }
  EXPECT_EQ(left->primary.units + left->canary.units, 23U);
}

// What was thinned out stays in the store as it was stored; a file must not bring it back.
TEST_F(LeftTallyTest, LeavesOutWhatWasThinnedOut) {
  Begin(SplitUnit::kSession);
  const RolloutMark mark = MarkOfLeft(SplitUnit::kSession);
  constexpr std::size_t kMost = 1'000;
  const std::string path = root_ / "own";
  auto memory = TallyMemory::InFile(path, {"ro", 0, "x"}, RolloutTally::ShapeOf(mark, 1, kMost));
  ASSERT_TRUE(memory);
  RolloutTally tally(mark, std::move(*memory), kMost);
  for (std::uint64_t i = 1; i <= 3 * kMost; ++i)
    Ask(tally, 0, false, i * 0x9E3779B97F4A7C15U, true);
  const Result<LeftTally> left = ReadLeftTally(**ReadWholeFile(path, 1U << 30U));
  ASSERT_TRUE(left);
  EXPECT_EQ(left->keys.size() * 4, tally.TakeChanged().size());
  EXPECT_LE(left->keys.size(), kMost);
  EXPECT_GT(left->keys.size(), 100U);
}

// More keys than were prepared for lie in memory alone; the next ones find room again.
TEST_F(LeftTallyTest, MakesRoomAheadOfTheKeys) {
  const auto tally = Begin(SplitUnit::kSession);
  constexpr std::size_t kAhead = 3 * kKeysOfChunk;  // One for each core, and one.
  std::uint64_t next = 0;
  const auto fail = [&](std::size_t count) {
    for (; count > 0; --count) Ask(*tally, 0, false, ++next * 0x9E3779B97F4A7C15U, true);
  };
  fail(kAhead + kKeysOfChunk);
  EXPECT_EQ(Read()->keys.size(), kAhead) << "a chunk's are in no file";
  EXPECT_TRUE(tallies_->Prepare());
  fail(kKeysOfChunk);
  EXPECT_EQ(Read()->keys.size(), kAhead + kKeysOfChunk);
  EXPECT_EQ(Read()->primary.requests, next) << "counts are in it all the same";
}

TEST_F(LeftTallyTest, AForgottenTallysFileIsGone) {
  Begin(SplitUnit::kRequest);
  EXPECT_TRUE(fs::exists(FolderPath() + "/0001.tally"));
  tallies_->Keep({});
  EXPECT_TRUE(fs::exists(FolderPath() + "/0001.tally")) << "not stored yet";
  tallies_->Keep({});
  EXPECT_FALSE(fs::exists(FolderPath() + "/0001.tally"));
  tallies_->Discard();
  EXPECT_FALSE(fs::exists(FolderPath()));
}

// No room, or no folder any more: it counts as it did without a disk.
TEST_F(LeftTallyTest, CountsOnWithoutItsFile) {
  Begin(SplitUnit::kSession);
  fs::remove_all(FolderPath());
  RolloutMark next = MarkOfLeft(SplitUnit::kSession);
  next.epoch = 4;
  const auto tally = tallies_->Of(next);
  EXPECT_FALSE(tally->memory().in_file());
  Ask(*tally, 0, true, KeyNumber(1), true);
  EXPECT_EQ(tally->TakeChanged().size(), 4U);
  EXPECT_TRUE(tally->memory().Prepare());
}

/// Bytes of one number in a file.
template <typename Value>
void Put(std::string& bytes, std::size_t at, Value value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

TEST_F(LeftTallyTest, RefusesWhatIsNoTally) {
  const auto tally = Begin(SplitUnit::kSession);
  for (std::uint64_t i = 0; i < 10; ++i) Ask(*tally, 0, false, KeyNumber(i), true);
  const std::string whole = Bytes();
  ASSERT_TRUE(ReadLeftTally(whole));
  const std::size_t keys = TallyChunksAt(2, limits::kMaxSeenKeys);
  const std::size_t arm = keys + offsetof(StoredKey, arm);
  const std::size_t ranks = keys + offsetof(StoredKey, ranks);
  const auto with_head = [&](auto change) {
    std::string bytes = whole;
    TallyHead head{};
    std::memcpy(&head, bytes.data(), sizeof head);
    change(head);
    head.checksum = ChecksumOf(head);
    Put(bytes, 0, head);
    return bytes;
  };
  const auto with = [&](std::size_t at, auto value) {
    std::string bytes = whole;
    Put(bytes, at, value);
    return bytes;
  };
  const struct {
    const char* name;
    std::string bytes;
  } cases[] = {
      {"nothing", ""},
      {"zeros", std::string(whole.size(), '\0')},
      {"its head alone", whole.substr(0, kTallyCoresAt - 1)},
      {"cut in the cells", whole.substr(0, keys - 1)},
      {"cut in the keys", whole.substr(0, whole.size() - 1)},
      {"another magic", with(0, char{'x'})},
      {"a damaged head", with(offsetof(TallyHead, epoch), std::uint32_t{4})},
      {"no cores", with_head([](TallyHead& head) { head.cores = 0; })},
      {"too many cores", with_head([](TallyHead& head) { head.cores = UINT32_MAX; })},
      {"cells of no power", with_head([](TallyHead& head) { head.seen_cells = 1000; })},
      {"one cell", with_head([](TallyHead& head) { head.seen_cells = 1; })},
      {"too many cells", with_head([](TallyHead& head) { head.seen_cells = 1ULL << 63U; })},
      {"keys of requests", with_head([](TallyHead& head) { head.seen_cells = 0; })},
      {"an id beyond its place", with_head([](TallyHead& head) { head.rollout_size = 129; })},
      {"no id", with_head([](TallyHead& head) { head.rollout_size = 0; })},
      {"no incarnation", with_head([](TallyHead& head) { head.incarnation_size = 0; })},
      {"an epoch that cannot be", with_head([](TallyHead& head) { head.epoch = 1024; })},
      {"more chunks than bytes", with(kTallyStateAt + 4, UINT32_MAX)},
      {"a count below zero", with(kTallyCoresAt, std::int64_t{-1})},
      {"more bad outcomes than outcomes", with(kTallyCoresAt + 16, std::uint64_t{11})},
      {"a key of no arm", with(arm, std::uint32_t{3})},
      {"ranks without their mark", with(ranks, std::uint32_t{1})},
      {"a second rank before the first", with(ranks, std::uint32_t{0x01020003})},
      {"more than the judged", with(ranks, std::uint32_t{0x0111ff00})},
  };
  for (const auto& one : cases) {
    const Result<LeftTally> read = ReadLeftTally(one.bytes);
    ASSERT_FALSE(read) << one.name;
    EXPECT_EQ(read.error().code, ErrorCode::kUnprocessable) << one.name;
  }
  const auto newer = with_head([](TallyHead& head) { ++head.format; });
  EXPECT_EQ(ReadLeftTally(newer).error().code, ErrorCode::kConflict);
  const auto wider = with_head([](TallyHead& head) { ++head.series; });
  EXPECT_EQ(ReadLeftTally(wider).error().code, ErrorCode::kConflict);
}

// A process may end between any two stores.
TEST_F(LeftTallyTest, AKeyThatWasOnlyBegunIsNone) {
  const auto tally = Begin(SplitUnit::kSession);
  Ask(*tally, 0, false, KeyNumber(1), true);
  std::string bytes = Bytes();
  const std::size_t second = TallyChunksAt(2, limits::kMaxSeenKeys) + sizeof(StoredKey);
  Put(bytes, second + offsetof(StoredKey, unit), KeyNumber(2));
  EXPECT_EQ(ReadLeftTally(bytes)->keys.size(), 1U) << "of no arm yet";
  Put(bytes, second + offsetof(StoredKey, arm), StoredKey::kCanary);
  EXPECT_EQ(ReadLeftTally(bytes)->keys.size(), 1U) << "without a rank yet";
  Put(bytes, second + offsetof(StoredKey, ranks), KeyRanks{0, kNoRank, 1}.Packed());
  const Result<LeftTally> left = ReadLeftTally(bytes);
  ASSERT_EQ(left->keys.size(), 2U);
  EXPECT_TRUE(left->keys[1].canary);
}

TEST(KeyRanks, AreOneWord) {
  for (const KeyRanks& ranks : {KeyRanks{}, KeyRanks{0, kNoRank, 1}, KeyRanks{0, 0, 2},
                                KeyRanks{3, 254, 16}, KeyRanks{254, 254, 0}}) {
    const std::uint32_t word = ranks.Packed();
    EXPECT_TRUE(KeyRanks::CanBe(word));
    EXPECT_EQ(KeyRanks::Of(word).first, ranks.first);
    EXPECT_EQ(KeyRanks::Of(word).second, ranks.second);
    EXPECT_EQ(KeyRanks::Of(word).bad, ranks.bad);
  }
}

}  // namespace
}  // namespace podium::view
