// What the tests of the journal share: small journals, attempts in few words.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "journal/attempt.h"
#include "journal/attempt_reader.h"
#include "journal/journal.h"

namespace podium::journal {

inline constexpr std::uint64_t kIncarnation = 0xa3f1;
/// The smallest that hold a few frames of any size.
inline constexpr std::size_t kSmallSegment = 4 * kMaxFrameBytes;

inline JournalOptions SmallJournal(const std::string& root, std::size_t cores = 1) {
  JournalOptions options;
  options.root = root;
  options.incarnation = kIncarnation;
  options.cores = cores;
  options.segment_bytes = kSmallSegment;
  options.segments_per_core = 8;
  options.disk_reserve = 0;
  return options;
}

inline std::unique_ptr<Journal> OpenJournal(const JournalOptions& options) {
  auto opened = Journal::Open(options);
  EXPECT_TRUE(opened) << Describe(opened.error());
  return opened ? std::move(*opened) : nullptr;
}

inline IntentView IntentOf(std::string_view request) {
  IntentView intent;
  intent.at = WallTime(std::chrono::seconds(1'773'064'800));
  intent.route = "chat";
  intent.model = "gpt-mini";
  intent.version = "chat-v1";
  intent.provider = "openai";
  intent.upstream_model = "gpt-mini-2026";
  intent.request_id = request;
  intent.estimate.uncached_input = 700;
  intent.estimate.output_text = 300;
  intent.estimated_cost = NanoUsd{5'000};
  intent.price_id = 3;
  return intent;
}

inline Outcome OutcomeOf(std::int64_t cost) {
  Outcome outcome;
  outcome.ended = WallTime(std::chrono::seconds(1'773'064'801));
  outcome.usage.uncached_input = 10;
  outcome.usage.output_text = 20;
  outcome.cost = NanoUsd{cost};
  outcome.price_id = 3;
  return outcome;
}

inline AttemptReader OpenReader(Log& log) {
  auto reader = AttemptReader::Open(log);
  EXPECT_TRUE(reader) << Describe(reader.error());
  return std::move(*reader);
}

inline std::vector<Attempt> ReadAll(AttemptReader& reader, std::size_t most = 1000) {
  auto read = reader.Read(most);
  EXPECT_TRUE(read) << Describe(read.error());
  return read ? std::move(*read) : std::vector<Attempt>();
}

/// "request status cost", to compare with.
inline std::vector<std::string> TextsOf(const std::vector<Attempt>& attempts) {
  std::vector<std::string> texts;
  for (const Attempt& attempt : attempts) {
    texts.push_back(fmt::format("{} {} {}", attempt.intent.request_id,
                                NameOf(attempt.outcome.status),
                                attempt.outcome.cost.value_or(NanoUsd{-1}).value));
  }
  return texts;
}

inline std::unique_ptr<DeadLog> OpenDead(const std::string& root) {
  auto log = DeadLog::Open(root + "/" + LogFolderName(kIncarnation));
  EXPECT_TRUE(log) << Describe(log.error());
  return log ? std::move(*log) : nullptr;
}

}  // namespace podium::journal
