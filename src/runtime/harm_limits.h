// Limits on models that misbehave; the others are in base/limits.h.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace podium::limits {

inline constexpr std::uint64_t kLoadMemory = 2ULL * 1024 * 1024 * 1024;  ///< To load and warm up.
inline constexpr std::size_t kCallMemory = 1024 * 1024 * 1024;           ///< Of one inference.
inline constexpr std::chrono::seconds kInferenceTimeout{10};             ///< Of one inference.
inline constexpr int kSpareInferenceThreads = 30;     ///< For other models, while some take long.
inline constexpr std::size_t kMaxModelProcesses = 8;  ///< Of versions on probation.
inline constexpr std::size_t kMaxFrameBytes = 256 * 1024 * 1024;  ///< To or from a model's process.
inline constexpr std::size_t kMaxFrameTensors = 10'000;
inline constexpr std::uint64_t kMaxOutputPlaces = 64ULL * 1024 * 1024;  ///< Of one output.
inline constexpr std::size_t kMaxChildStderrBytes = 64 * 1024;
inline constexpr int kChildOomScore = 1000;  ///< The highest: the system ends these first.
inline constexpr std::size_t kMaxHarmTextBytes = 500;  ///< Of the sentence that says what happened.
inline constexpr std::size_t kMaxQuarantined = 1000;   ///< Artifacts; one more forgets the oldest.
inline constexpr std::size_t kMaxQuarantineBytes = 4 * 1024 * 1024;  ///< Of its file.

}  // namespace podium::limits
