// What the demo's fake providers answer: chat completions as an OpenAI-like server sends them, from
// no model at all, and saying so.
//
// Pure: the same call in the same mood gets the same reply.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace podium::app {

enum class FakeCharacter : std::uint8_t {
  kSteady,
  kMoody,  ///< Fails now and then, and all the time in a bad spell of some seconds.
};

enum class FakeMood : std::uint8_t {
  kWell,
  kSlow,         ///< Answers, late.
  kOverloaded,   ///< 503
  kRateLimited,  ///< 429
};

inline constexpr std::chrono::seconds kFirstSpell{6};  ///< After the provider's start.
inline constexpr std::chrono::seconds kSpellEvery{40};
inline constexpr std::chrono::seconds kSpellLength{8};

/// How a provider of that character takes its call number `call`, from 1.
FakeMood MoodOf(FakeCharacter character, std::uint64_t call, std::chrono::nanoseconds since_start);

struct FakeCall {
  std::string provider;  ///< Its name: part of the text.
  std::uint64_t number = 0;
  std::int64_t unix_seconds = 0;
  FakeMood mood = FakeMood::kWell;
};

struct FakeReply {
  int status = 200;
  std::string body;                          ///< JSON; empty when there are frames.
  std::vector<std::string> frames;           ///< Of a stream, each one whole event.
  std::chrono::milliseconds before{0};       ///< To the first byte.
  std::chrono::milliseconds between{0};      ///< Two frames.
  std::chrono::milliseconds retry_after{0};  ///< 0: nothing is said about it.
};

/// `body` as received: anything that is no chat completion is a 400 in OpenAI's shape.
FakeReply ReplyTo(const FakeCall& call, std::string_view body);

}  // namespace podium::app
