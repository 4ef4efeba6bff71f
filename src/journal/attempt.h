// The two records of an attempt to call a model that costs money: what was about to happen, written
// before a byte goes upstream, and how it ended.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/money.h"
#include "base/result.h"
#include "domain/attempt.h"
#include "domain/token_usage.h"
#include "journal/frame.h"
#include "journal/writer.h"

namespace podium::journal {

/// Text is std::string_view to write one and std::string as read. Texts are cut at
/// limits::kMaxJournalTextBytes.
template <typename Text>
struct BasicIntent {
  WallTime at;
  AttemptKind kind = AttemptKind::kFirst;
  std::uint32_t number = 1;  ///< Of the attempt within its call, from 1.
  Text route;
  Text model;           ///< Catalogue id; what costs are added up by.
  Text version;         ///< ModelVersion::model_id.
  Text provider;        ///< ModelVersion::provider_key.
  Text upstream_model;  ///< As the provider names it.
  Text request_id;
  Text user_id;
  Text key_id;
  Text workflow_run_id;
  TokenUsage estimate;                    ///< The most that it may use.
  std::optional<NanoUsd> estimated_cost;  ///< nullopt: no price is known.
  std::int64_t price_id = 0;              ///< 0: none.
};
using IntentView = BasicIntent<std::string_view>;
using Intent = BasicIntent<std::string>;

struct Outcome {
  WallTime ended;
  AttemptStatus status = AttemptStatus::kOk;
  TokenUsage usage;
  std::optional<NanoUsd> cost;  ///< nullopt: no price is known.
  std::int64_t price_id = 0;    ///< 0: none.
};

/// An attempt that has ended, or that nobody will hear of again.
struct Attempt {
  std::string event_id;  ///< Of the server's making: incarnation, core, sequence of the intent.
  Intent intent;
  Outcome outcome;
};

/// What all event ids of that journal begin with.
std::string EventIdsOf(std::uint64_t incarnation);
std::string EventId(std::uint64_t incarnation, std::uint32_t core, std::uint64_t sequence);

/// The intent of an attempt whose outcome is still to come. Must be given to WriteOutcome once.
struct OpenAttempt {
  std::uint64_t sequence = 0;
};

/// Writes the intent, on the writer's core: no system call, lock or allocation. nullopt when the
/// journal is full: then the call must not be made (503), since nobody would know of its cost.
std::optional<OpenAttempt> WriteIntent(Writer& writer, const IntentView& intent);
/// Never fails: WriteIntent has kept the room.
void WriteOutcome(Writer& writer, OpenAttempt attempt, const Outcome& outcome);

/// An outcome, and the intent that it ends.
struct OutcomeRecord {
  std::uint64_t intent = 0;
  Outcome outcome;
};
/// kUnprocessable when the bytes are no such record.
Result<Intent> DecodeIntent(std::string_view payload);
Result<OutcomeRecord> DecodeOutcome(std::string_view payload);

using RecordBuffer = std::array<char, limits::kMaxJournalRecordBytes>;
std::string_view EncodeIntent(const IntentView& intent, RecordBuffer& buffer);
std::string_view EncodeOutcome(const OutcomeRecord& record, RecordBuffer& buffer);

}  // namespace podium::journal
