#include "journal/frame.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace podium::journal {
namespace {

constexpr std::uint64_t kSalt = 0x5eed;

std::string Written(const std::vector<std::string>& payloads) {
  std::string bytes;
  std::uint64_t sequence = 0;
  for (const std::string& payload : payloads) {
    AppendFrame(bytes, RecordType::kIntent, ++sequence, payload, kSalt);
  }
  return bytes;
}

struct ReadBack {
  std::vector<std::string> payloads;
  FrameState last = FrameState::kEnd;
};

ReadBack ReadAll(std::string_view bytes, std::uint64_t salt = kSalt) {
  ReadBack read;
  while (true) {
    const Frame frame = ReadFrame(bytes, salt);
    read.last = frame.state;
    if (frame.state != FrameState::kRecord) return read;
    read.payloads.emplace_back(frame.payload);
    bytes.remove_prefix(frame.bytes);
  }
}

const std::vector<std::string> kThree = {"first", "", std::string(100, 'x')};

TEST(Frame, WhatWasWrittenIsRead) {
  std::string bytes = Written(kThree);
  bytes.append(64, '\0');
  const ReadBack read = ReadAll(bytes);
  EXPECT_EQ(read.payloads, kThree);
  EXPECT_EQ(read.last, FrameState::kEnd);
  const Frame first = ReadFrame(bytes, kSalt);
  EXPECT_EQ(first.sequence, 1U);
  EXPECT_EQ(first.type, RecordType::kIntent);
}

TEST(Frame, TheLargestRecordFits) {
  const std::string most(limits::kMaxJournalRecordBytes, 'm');
  EXPECT_EQ(ReadAll(Written({most})).payloads, std::vector<std::string>{most});
  EXPECT_DEATH(Written({most + "m"}), "kMaxJournalRecordBytes");
}

// A crash may cut a write at any byte: what was whole before it is there, what was cut is not.
TEST(Frame, ATailTornAtAnyByteLosesOnlyWhatWasTorn) {
  const std::string whole = Written(kThree);
  const std::size_t last_at = Written({kThree[0], kThree[1]}).size();
  for (std::size_t cut = last_at; cut < whole.size(); ++cut) {
    SCOPED_TRACE(cut);
    std::string bytes = whole.substr(0, cut);
    bytes.resize(whole.size() + 64, '\0');
    const ReadBack read = ReadAll(bytes);
    // The padding of a frame says nothing: a cut inside it loses nothing.
    const bool complete = cut >= last_at + kFrameHeadBytes + kThree[2].size();
    EXPECT_EQ(read.payloads.size(), complete ? 3U : 2U);
    EXPECT_EQ(read.last, complete || cut == last_at ? FrameState::kEnd : FrameState::kTorn);
  }
}

// The stores of one write may reach memory in any order, so holes come up anywhere.
TEST(Frame, AnyByteThatIsMissingOrWrongIsSeen) {
  const std::string whole = Written(kThree);
  const std::size_t checked = whole.size() - 4;  // Four bytes of padding end the last frame.
  for (std::size_t at = 0; at < checked; ++at) {
    SCOPED_TRACE(at);
    std::string bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x40);
    const bool padding_of_first = at >= kFrameHeadBytes + 5 && at < FrameBytes(5);
    const ReadBack read = ReadAll(bytes);
    EXPECT_EQ(read.payloads == kThree, padding_of_first);
    if (!padding_of_first) EXPECT_EQ(read.last, FrameState::kTorn);
  }
}

TEST(Frame, FramesOfAnotherFileAreNotTakenForOnesOfThis) {
  const ReadBack read = ReadAll(Written(kThree), kSalt + 1);
  EXPECT_TRUE(read.payloads.empty());
  EXPECT_EQ(read.last, FrameState::kTorn);
}

TEST(Frame, ALengthBeyondTheFileIsTorn) {
  std::string bytes = Written({"first"});
  EXPECT_EQ(ReadAll(std::string_view(bytes).substr(0, bytes.size() - 8)).last, FrameState::kTorn);
  EXPECT_EQ(ReadAll("").last, FrameState::kEnd);
  EXPECT_EQ(ReadAll(std::string(7, '\0')).last, FrameState::kEnd);
}

}  // namespace
}  // namespace podium::journal
