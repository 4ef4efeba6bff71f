// Segments: whole lines survive whatever ends the process, closed files are gzip that any tool
// reads, and nobody touches what another process writes.
#include "predictions/segment.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/rng.h"
#include "predictions/record.h"
#include "predictions/segment_reader.h"
#include "testing/sim_clock.h"
#include "testing/temp_dir.h"

namespace podium::predictions {
namespace {

namespace fs = std::filesystem;
constexpr WallTime kStart = testing::SimClock::kStart;

std::string BytesOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

std::string Unpacked(const std::string& path) {
  std::string bytes;
  const Status done = Unpack(path, [&](std::string_view piece) {
    bytes += piece;
    return true;
  });
  EXPECT_TRUE(done) << Describe(done.error());
  return bytes;
}

class SegmentTest : public ::testing::Test {
 protected:
  std::string PathOf(std::string_view suffix) const {
    return folder_.path() + "/" + name_ + std::string(suffix);
  }
  std::unique_ptr<OpenSegment> Create() {
    auto segment = OpenSegment::Create(folder_.path(), name_, kStart);
    EXPECT_TRUE(segment) << Describe(segment.error());
    return segment ? std::move(*segment) : nullptr;
  }
  std::unique_ptr<OpenSegment> Repair() {
    auto segment = OpenSegment::Repair(folder_.path(), name_);
    EXPECT_TRUE(segment) << Describe(segment.error());
    return segment ? std::move(*segment) : nullptr;
  }
  void Leave(std::string_view bytes) {
    fs::create_directories(fs::path(PathOf("")).parent_path());
    std::ofstream(PathOf(kOpenSuffix), std::ios::binary) << bytes;
  }
  static void SealAll(std::unique_ptr<OpenSegment> segment) {
    Sealing sealing(std::move(segment));
    for (int steps = 0; steps < 1000; ++steps) {
      const Result<bool> done = sealing.Step();
      ASSERT_TRUE(done) << Describe(done.error());
      if (*done) return;
    }
    FAIL() << "it does not end";
  }
  std::vector<std::string> Lines(std::int64_t offset = 0) {
    std::vector<std::string> lines;
    const Status read = ReadLines(folder_.path(), name_, offset, [&](const SegmentLine& line) {
      lines.emplace_back(line.text);
      return true;
    });
    EXPECT_TRUE(read) << Describe(read.error());
    return lines;
  }

  testing::TempDir folder_;
  const std::string name_ = SegmentName(kStart, "r1");
};

TEST_F(SegmentTest, ANameTellsItsDayItsReplicaAndItsTime) {
  EXPECT_TRUE(name_.starts_with("date=2026-03-09/r1-")) << name_;
  EXPECT_EQ(ReplicaOfSegment(name_), "r1");
  EXPECT_EQ(OpenedOfSegment(name_), kStart);
  EXPECT_EQ(ReplicaOfSegment(SegmentName(kStart, "a-b")), "a-b");
  EXPECT_LT(name_, SegmentName(kStart + std::chrono::microseconds(1), "r1"));
}

// Names come from the index and from callers: none may lead out of the folder.
TEST_F(SegmentTest, OtherNamesAreNone) {
  for (const std::string& name :
       {std::string(), std::string("date=2026-03-09"), std::string("../../etc/passwd"),
        std::string("date=../../../etc/r1-00000000000000"),
        std::string("date=2026-03-09/../r1-00000000000000"),
        std::string("date=2026-03-09/r1-0000000000000g"),
        std::string("date=2026-03-09/-00000000000000").substr(0, 30)}) {
    EXPECT_EQ(ReplicaOfSegment(name), std::nullopt) << name;
    EXPECT_FALSE(ReadLines(folder_.path(), name, 0, [](const SegmentLine&) { return true; }));
  }
}

TEST_F(SegmentTest, AClosedSegmentIsGzipOfItsLines) {
  std::string lines;
  for (int i = 0; i < 20'000; ++i) lines += "{\"n\":" + std::to_string(i) + "}\n";
  std::unique_ptr<OpenSegment> segment = Create();
  ASSERT_TRUE(segment->Append(std::string_view(lines).substr(0, lines.size() / 2)));
  ASSERT_TRUE(segment->Append(std::string_view(lines).substr(lines.size() / 2)));
  EXPECT_FALSE(fs::exists(PathOf(kClosedSuffix)));
  SealAll(std::move(segment));
  EXPECT_FALSE(fs::exists(PathOf(kOpenSuffix)));
  EXPECT_EQ(Unpacked(PathOf(kClosedSuffix)), lines);
  EXPECT_LT(fs::file_size(PathOf(kClosedSuffix)), lines.size() / 2);
}

TEST_F(SegmentTest, LinesAreFoundByTheirOffsetOpenAndClosed) {
  std::unique_ptr<OpenSegment> segment = Create();
  ASSERT_TRUE(segment->Append("{\"id\":\"a\",\"n\":1}\n{\"id\":\"b\",\"n\":2}\n{\"id\":\"c\""));
  EXPECT_EQ(Lines(),
            (std::vector<std::string>{"{\"id\":\"a\",\"n\":1}", "{\"id\":\"b\",\"n\":2}"}));
  EXPECT_EQ(Lines(17), std::vector<std::string>{"{\"id\":\"b\",\"n\":2}"});
  EXPECT_EQ(FindLine(folder_.path(), name_, 17, "b").value_or(""), "{\"id\":\"b\",\"n\":2}");
  // After a repair it may stand elsewhere.
  EXPECT_EQ(FindLine(folder_.path(), name_, 17, "a").value_or(""), "{\"id\":\"a\",\"n\":1}");
  EXPECT_EQ(FindLine(folder_.path(), name_, 0, "x").error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(segment->Append(",\"n\":3}\n"));
  SealAll(std::move(segment));
  EXPECT_EQ(Lines(17),
            (std::vector<std::string>{"{\"id\":\"b\",\"n\":2}", "{\"id\":\"c\",\"n\":3}"}));
  EXPECT_EQ(FindLine(folder_.path(), name_, 34, "c").value_or(""), "{\"id\":\"c\",\"n\":3}");
}

// A process may end between any two bytes: every whole line is kept, and nothing else.
TEST_F(SegmentTest, CutAnywhereEveryWholeLineIsKept) {
  const std::string lines = "{\"n\":1}\n{\"text\":\"a\\nb}\"}\n{\"n\":{\"m\":[3]}}\n";
  for (std::size_t cut = 0; cut <= lines.size(); ++cut) {
    SCOPED_TRACE(cut);
    Leave(lines.substr(0, cut));
    std::unique_ptr<OpenSegment> segment = Repair();
    ASSERT_NE(segment, nullptr);
    const std::size_t whole = lines.rfind('\n', cut - 1);
    const std::string want =
        cut == 0 || whole == std::string::npos ? "" : lines.substr(0, whole + 1);
    EXPECT_EQ(BytesOf(PathOf(kOpenSuffix)), want);
    EXPECT_EQ(segment->size(), want.size());
    EXPECT_EQ(segment->damaged(), want.size() == cut ? 0U : 1U);
    SealAll(std::move(segment));
    EXPECT_EQ(fs::exists(PathOf(kClosedSuffix)), !want.empty());
    if (!want.empty()) EXPECT_EQ(Unpacked(PathOf(kClosedSuffix)), want);
    fs::remove(PathOf(kClosedSuffix));
  }
}

// A power cut may leave zeros, or bytes of something else, in the middle.
TEST_F(SegmentTest, DamagedLinesGoAndTheOthersStay) {
  SeededRng rng(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> lines;
    std::string bytes;
    for (int i = 0; i < 20; ++i) {
      lines.push_back("{\"n\":" + std::to_string(i) + ",\"pad\":\"" +
                      std::string(rng.Next64() % 50, 'p') + "\"}");
      bytes += lines.back() + "\n";
    }
    // One byte of a line, not its end, becomes a zero.
    const std::size_t hit = rng.Next64() % lines.size();
    std::size_t at = 0;
    for (std::size_t i = 0; i < hit; ++i) at += lines[i].size() + 1;
    bytes[at + rng.Next64() % lines[hit].size()] = '\0';
    Leave(bytes);
    std::unique_ptr<OpenSegment> segment = Repair();
    ASSERT_NE(segment, nullptr);
    EXPECT_EQ(segment->damaged(), 1U) << round;
    lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(hit));
    EXPECT_EQ(Lines(), lines) << round;
    segment.reset();
    fs::remove(PathOf(kOpenSuffix));
  }
}

// A payload may be as deep as JSON may be: its line is one deeper, and whole all the same.
TEST_F(SegmentTest, ALineWithADeepPayloadIsKept) {
  Record record;
  record.row.id = "a";
  record.row.route = "r";
  record.row.arm = "primary";
  record.row.reason = "assigned";
  record.row.at = kStart;
  std::string line = LineOf(record, {});
  line.replace(line.find("\"request\":null"), 14,
               "\"request\":" + std::string(5000, '[') + std::string(5000, ']'));
  Leave(line + "{\"half\n" + line);
  const std::unique_ptr<OpenSegment> segment = Repair();
  ASSERT_NE(segment, nullptr);
  EXPECT_EQ(segment->damaged(), 1U);
  EXPECT_EQ(BytesOf(PathOf(kOpenSuffix)), line + line);
}

TEST_F(SegmentTest, WhatAnotherProcessWritesIsLeftAlone) {
  const std::unique_ptr<OpenSegment> alive = Create();
  ASSERT_TRUE(alive->Append("{\"n\":1}\n{\"half"));
  EXPECT_EQ(Repair(), nullptr);
  EXPECT_EQ(BytesOf(PathOf(kOpenSuffix)), "{\"n\":1}\n{\"half");
}

// A crash between the rename and the removal: the packed one is whole.
TEST_F(SegmentTest, ASealedSegmentIsNotSealedTwice) {
  std::unique_ptr<OpenSegment> segment = Create();
  ASSERT_TRUE(segment->Append("{\"n\":1}\n"));
  SealAll(std::move(segment));
  Leave("{\"n\":1}\n");
  EXPECT_EQ(Repair(), nullptr);
  EXPECT_FALSE(fs::exists(PathOf(kOpenSuffix)));
  EXPECT_EQ(Unpacked(PathOf(kClosedSuffix)), "{\"n\":1}\n");
}

TEST_F(SegmentTest, AnUnfinishedSealingLeavesNothingBehind) {
  std::unique_ptr<OpenSegment> segment = Create();
  ASSERT_TRUE(segment->Append("{\"n\":1}\n"));
  {
    Sealing sealing(std::move(segment));
    ASSERT_TRUE(sealing.Step());
  }
  EXPECT_TRUE(fs::exists(PathOf(kOpenSuffix)));
  EXPECT_EQ(std::distance(fs::directory_iterator(fs::path(PathOf("")).parent_path()), {}), 1);
}

TEST_F(SegmentTest, DamagedGzipIsAnError) {
  std::unique_ptr<OpenSegment> segment = Create();
  ASSERT_TRUE(segment->Append("{\"n\":1}\n"));
  SealAll(std::move(segment));
  const std::string packed = BytesOf(PathOf(kClosedSuffix));
  for (std::size_t cut = 0; cut < packed.size(); ++cut) {
    std::ofstream(PathOf(kClosedSuffix), std::ios::binary) << packed.substr(0, cut);
    EXPECT_FALSE(ReadLines(folder_.path(), name_, 0, [](const SegmentLine&) { return true; }))
        << cut;
  }
  for (std::size_t i = 0; i < packed.size(); ++i) {  // Any answer but a crash.
    std::string flipped = packed;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x41);
    std::ofstream(PathOf(kClosedSuffix), std::ios::binary) << flipped;
    (void)ReadLines(folder_.path(), name_, 0, [](const SegmentLine&) { return true; });
  }
}

TEST_F(SegmentTest, OldDaysGoFirstThenTheOldestUntilItFits) {
  const auto make = [&](WallTime at, std::size_t bytes) {
    const std::string path =
        folder_.path() + "/" + SegmentName(at, "r1") + std::string(kClosedSuffix);
    fs::create_directories(fs::path(path).parent_path());
    std::ofstream(path) << std::string(bytes, 'x');
    return path;
  };
  const auto day = std::chrono::hours(24);
  const std::string old = make(kStart - 10 * day, 10);
  const std::string first = make(kStart - day, 100);
  const std::string second = make(kStart, 100);
  const std::string third = make(kStart + std::chrono::seconds(1), 100);
  EXPECT_EQ(DropSegments(folder_.path(), kStart - 9 * day, 1'000'000), 1U);
  EXPECT_FALSE(fs::exists(fs::path(old).parent_path()));  // No empty folders are left.
  EXPECT_EQ(DropSegments(folder_.path(), kStart - 9 * day, 200), 1U);
  EXPECT_FALSE(fs::exists(first));
  EXPECT_TRUE(fs::exists(second) && fs::exists(third));
  EXPECT_EQ(DropSegments(folder_.path(), kStart - 9 * day, 0), 2U);
  EXPECT_EQ(DropSegments(folder_.path() + "/none", kStart, 0), 0U);
}

}  // namespace
}  // namespace podium::predictions
