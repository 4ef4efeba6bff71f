// The other end is a model's process, which a model may have written over: what it says is checked.
#include "runtime/frame.h"
#include "runtime/harm_limits.h"

#include <gtest/gtest.h>

#include <cstring>

namespace podium::runtime {
namespace {

Tensor Floats(std::vector<float> values, Shape shape) {
  Tensor tensor{"x", DataType::kFp32, std::move(shape), {}, {}};
  tensor.data.resize(values.size() * sizeof(float));
  if (!values.empty()) std::memcpy(tensor.data.data(), values.data(), tensor.data.size());
  return tensor;
}

TEST(Frame, TensorsSurviveTheWay) {
  const Tensor texts{"s", DataType::kBytes, {2, 1}, {}, {"", std::string("a\0b", 3)}};
  const std::vector<Tensor> sent = {Floats({1, 2, 3, 4}, {2, 2}), texts, Floats({}, {0, 7}),
                                    Floats({5}, {})};
  const auto got = DecodeTensors(Encode(sent));
  ASSERT_TRUE(got) << got.error().message;
  ASSERT_EQ(got->size(), sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) {
    EXPECT_EQ((*got)[i].name, sent[i].name);
    EXPECT_EQ((*got)[i].type, sent[i].type);
    EXPECT_EQ((*got)[i].shape, sent[i].shape);
    EXPECT_EQ((*got)[i].data, sent[i].data);
    EXPECT_EQ((*got)[i].strings, sent[i].strings);
  }
}

TEST(Frame, OrdersNotesAndErrorsSurviveTheWay) {
  const VerifyOrder order{"/cache/m", "{}", "/lib/ort.so", 1, 2, 3};
  const auto got = DecodeOrder(Encode(order));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->file + got->signature + got->ort_library, "/cache/m{}/lib/ort.so");
  EXPECT_EQ(got->memory_bytes, 1U);
  EXPECT_EQ(got->cpu_seconds, 2U);
  EXPECT_EQ(got->call_memory_bytes, 3U);
  const auto note = DecodeReady(Encode(ReadyNote{std::chrono::nanoseconds(17), "odd"}));
  ASSERT_TRUE(note);
  EXPECT_EQ(note->time_per_row.count(), 17);
  EXPECT_EQ(note->warning, "odd");
  const auto error = DecodeError(Encode(Error{ErrorCode::kDeadline, "late", "", nullptr}));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, ErrorCode::kDeadline);
  EXPECT_EQ(error->message, "late");
}

// Every message cut at every place, and every byte of it changed: an error or a value, no fault.
TEST(Frame, WhatIsCutOrChangedIsNoFault) {
  const std::string whole = Encode(std::vector<Tensor>{
      Floats({1, 2}, {2, 1}), Tensor{"s", DataType::kBytes, {1}, {}, {"text"}}});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(DecodeTensors(std::string_view(whole).substr(0, size))) << size;
  }
  EXPECT_FALSE(DecodeTensors(whole + 'x'));
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const char bits : {'\x01', '\x7f', '\xff'}) {
      std::string changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ bits);
      const auto got = DecodeTensors(changed);
      if (!got) continue;
      for (const Tensor& tensor : *got) {
        const auto count = ElementCount(tensor.shape);
        ASSERT_TRUE(count);
        EXPECT_EQ(tensor.type == DataType::kBytes ? tensor.strings.size()
                                                  : tensor.data.size() / WidthOf(tensor.type),
                  static_cast<std::size_t>(*count));
      }
    }
  }
}

TEST(Frame, AFrameArrivesInPieces) {
  const std::string bytes = Sealed(FrameKind::kRun, "abc") + Sealed(FrameKind::kAnswer, "");
  std::string buffer;
  std::vector<Frame> frames;
  for (const char byte : bytes) {
    buffer += byte;
    const auto frame = TakeFrame(buffer);
    ASSERT_TRUE(frame);
    if (*frame) frames.push_back(**frame);
  }
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_EQ(frames[0].payload, "abc");
  EXPECT_EQ(frames[1].kind, FrameKind::kAnswer);
  EXPECT_TRUE(buffer.empty());
}

TEST(Frame, ItsLengthHasALimit) {
  const auto header = [](std::uint64_t size) {
    std::string bytes = Sealed(FrameKind::kAnswer, "");
    std::memcpy(bytes.data(), &size, sizeof(size));
    return bytes;
  };
  std::string most = header(limits::kMaxFrameBytes);
  const auto waiting = TakeFrame(most);
  ASSERT_TRUE(waiting);
  EXPECT_FALSE(*waiting);
  std::string more = header(limits::kMaxFrameBytes + 1);
  const auto refused = TakeFrame(more);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kTooLarge);
}

TEST(Frame, AnUnknownKindIsRefused) {
  std::string bytes = Sealed(static_cast<FrameKind>(kFrameKinds), "");
  EXPECT_FALSE(TakeFrame(bytes));
}

TEST(Frame, ACountOfTensorsHasALimit) {
  const std::vector<Tensor> most(limits::kMaxFrameTensors, Floats({}, {0}));
  EXPECT_TRUE(DecodeTensors(Encode(most)));
  const std::vector<Tensor> more(limits::kMaxFrameTensors + 1, Floats({}, {0}));
  EXPECT_FALSE(DecodeTensors(Encode(more)));
}

}  // namespace
}  // namespace podium::runtime
