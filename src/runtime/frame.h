// Messages between a server and the child that holds one model: length, kind, payload.
//
// Both ends are the same binary on the same machine, so numbers are in its own byte order. The
// child is not trusted all the same: a model may have written over its memory. Whatever arrives is
// checked against its length before it is used.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/tensor.h"
#include "runtime/harm_limits.h"

namespace podium::runtime {

/// To the child: kVerify once, then kRun any number of times. From it: kWarming, then kReady or
/// kFailed; after that one kAnswer or kFailed for each kRun.
enum class FrameKind : std::uint8_t { kVerify, kWarming, kReady, kFailed, kRun, kAnswer };
inline constexpr int kFrameKinds = 6;

struct Frame {
  FrameKind kind = FrameKind::kFailed;
  std::string payload;
};

/// What the child is to hold, and within what.
struct VerifyOrder {
  std::string file;
  std::string signature;  ///< As declared; may be empty.
  std::string ort_library;
  std::uint64_t memory_bytes = 0;                         ///< Of private memory; 0: no limit.
  std::uint64_t cpu_seconds = 0;                          ///< 0: no limit.
  std::uint64_t call_memory_bytes = limits::kCallMemory;  ///< Of one inference.
};
/// A model that loaded and answered.
struct ReadyNote {
  std::chrono::nanoseconds time_per_row{0};
  std::string warning;  ///< What is odd about its answer to zeros; empty when nothing is.
};

std::string Encode(const VerifyOrder& order);
std::string Encode(const ReadyNote& note);
std::string Encode(const Error& error);
std::string Encode(std::span<const Tensor> tensors);

/// kInternal when the bytes are not such a message.
Result<VerifyOrder> DecodeOrder(std::string_view payload);
Result<ReadyNote> DecodeReady(std::string_view payload);
Result<Error> DecodeError(std::string_view payload);
Result<std::vector<Tensor>> DecodeTensors(std::string_view payload);

/// The header and the payload, as they are sent. REQUIRES: at most limits::kMaxFrameBytes.
std::string Sealed(FrameKind kind, std::string_view payload);
/// Takes the first whole frame off `buffer`; nullopt while it is not all there. kTooLarge when it
/// announces more than limits::kMaxFrameBytes, kInternal when it is of no known kind.
Result<std::optional<Frame>> TakeFrame(std::string& buffer);

}  // namespace podium::runtime
