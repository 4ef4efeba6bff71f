// Invariant 16: every queue, buffer, body and header has a named limit. The compiled-in ones stand
// here; those an operator may change are settings (app/settings.h) whose defaults are these.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace podium::limits {

// HTTP.
inline constexpr std::size_t kMaxHeadBytes = 16 * 1024;  ///< Request line and headers together.
inline constexpr std::size_t kMaxHeaders = 100;
inline constexpr std::size_t kMaxTargetBytes = 4 * 1024;
inline constexpr std::size_t kMaxChunkLineBytes = 256;  ///< Chunk size line with its extensions.
inline constexpr std::size_t kMaxTrailerBytes = 4 * 1024;
/// Of one server-sent event: its data, and the line of it being read. Images come whole.
inline constexpr std::size_t kMaxSseEventBytes = 4 * 1024 * 1024;
inline constexpr std::size_t kMaxPredictBodyBytes = 8 * 1024 * 1024;
/// Of a buffer that bodies are read or unpacked into, between requests: a large one is given back.
inline constexpr std::size_t kKeptBodyCapacity = 256 * 1024;
inline constexpr std::size_t kMaxAdminBodyBytes = 1024 * 1024;
inline constexpr std::uint64_t kMaxArtifactBytes = 512ULL * 1024 * 1024;
inline constexpr std::size_t kMaxConnectionsPerCore = 20'000;
inline constexpr std::chrono::seconds kHeadTimeout{10};   ///< First byte of a head to its end.
inline constexpr std::chrono::seconds kBodyTimeout{30};   ///< Without any progress of the body.
inline constexpr std::chrono::seconds kIdleTimeout{75};   ///< Kept-alive and silent.
inline constexpr std::chrono::seconds kWriteTimeout{30};  ///< Without any progress of the answer.
/// On average, for the body of a request, besides kBodyTimeout.
inline constexpr std::size_t kMinBytesPerSecond = 512;
/// Descriptors that connections leave to the store, the models, uploads and the log.
inline constexpr std::size_t kReservedDescriptors = 256;

// Upstreams: servers that Podium calls on behalf of its callers. Per core and origin.
inline constexpr std::size_t kMaxUpstreamConnections = 8192;
inline constexpr std::size_t kMaxIdleUpstreamConnections = 128;
inline constexpr std::chrono::seconds kUpstreamIdleTime{50};  ///< Below the 60 s of many servers.
inline constexpr std::size_t kMaxUpstreamOrigins = 256;       ///< Those with connections.
inline constexpr std::size_t kMaxUpstreamHeadBytes = 32 * 1024;
inline constexpr std::size_t kMaxUpstreamAddresses = 8;  ///< Of one name, tried in their order.

// JSON and predictions.
inline constexpr int kMaxJsonDepth = 64;
inline constexpr std::size_t kMaxPredictRows = 10'000;
inline constexpr std::size_t kMaxColumns = 10'000;
inline constexpr std::size_t kMaxTensors = 1024;   ///< Inputs, or outputs, of one OIP request.
inline constexpr std::size_t kMaxTensorRank = 32;  ///< Dimensions of one OIP tensor.

// OpenTelemetry: what is held until it is sent; beyond it spans are dropped and counted.
inline constexpr std::size_t kMaxWaitingSpans = 2048;             ///< Per core.
inline constexpr std::size_t kMaxSpanTextBytes = 256;             ///< Of each text; longer is cut.
inline constexpr std::size_t kMaxOtlpRequestBytes = 1024 * 1024;  ///< One export.
inline constexpr std::chrono::seconds kOtlpTimeout{10};           ///< Of one export.

// LLM calls.
inline constexpr std::size_t kMaxLlmBodyBytes = 32 * 1024 * 1024;  ///< Images come as base64.
inline constexpr std::size_t kMaxLlmAnswerBytes =
    64 * 1024 * 1024;                                             ///< Of one that is not streamed.
inline constexpr std::size_t kMaxUpstreamErrorBytes = 64 * 1024;  ///< Read of a refusal's body.
/// Of a stream before its first token, held back so that another provider may still answer.
inline constexpr std::size_t kMaxHeldStreamBytes = 1024 * 1024;
inline constexpr std::chrono::minutes kLlmTimeout{10};  ///< Of a call with all its attempts.
inline constexpr std::size_t kMaxProviders = 100;
inline constexpr std::size_t kMaxBreakers = 1024;       ///< Upstream models with one, per core.
inline constexpr std::size_t kMaxModelNameBytes = 256;  ///< `model`, the caller's and a provider's.
inline constexpr std::int64_t kMaxChoices = 128;        ///< `n`
inline constexpr std::int64_t kMaxRequestedTokens = 100'000'000;  ///< `max_tokens` and its kin.
/// One figure of a provider's usage; a larger one is not believed.
inline constexpr std::int64_t kMaxReportedTokens = 1'000'000'000'000;
/// That a provider may ask for; one who asks for more is believed this much.
inline constexpr std::chrono::minutes kMaxRetryAfter{60};
inline constexpr std::size_t kMaxConversationParts = 10'000;  ///< Messages and parts, translated.
/// Of an answer that has to be repeated whole at the end of its stream (`/v1/responses`).
inline constexpr std::size_t kMaxRepeatedAnswerBytes = 8 * 1024 * 1024;
inline constexpr std::size_t kMaxStreamBlocks =
    1024;  ///< Tool calls and other blocks of an answer.
inline constexpr std::size_t kMaxRelayedMessageBytes = 1024;  ///< Of a provider's error text.

// Names on the wire and in the table.
inline constexpr std::size_t kMaxNameBytes = 128;  ///< Route, name, version, model id.
inline constexpr std::size_t kMaxUnitBytes = 256;  ///< Session and request ids.
inline constexpr std::size_t kMaxReasonBytes = 1024;
inline constexpr std::size_t kMaxUriBytes = 2048;
inline constexpr std::size_t kMaxTags = 100;
inline constexpr std::size_t kMaxSignatureSentences = 10;  ///< On how two signatures differ.
inline constexpr std::size_t kMaxSaltBytes = 64;

// Control plane.
inline constexpr std::size_t kControlQueue = 1024;  ///< Admin calls waiting for the pool.
inline constexpr int kControlThreads = 4;
inline constexpr std::chrono::hours kIdempotencyTime{24};  ///< That a key stands for its request.
inline constexpr int kMaxIdempotencyKeys = 2000;           ///< Kept at once; the oldest go first.
inline constexpr int kPageDefault = 50;
inline constexpr int kPageMax = 500;
inline constexpr std::int64_t kRouteHistoryGenerations = 1000;  ///< That explain can replay.
inline constexpr std::chrono::seconds kLoadTimeout{30};         ///< A verb waiting for READY.
inline constexpr std::chrono::seconds kStoreBusyTimeout{30};    ///< Retrying SQLITE_BUSY.
inline constexpr int kDatabasePool = 8;  ///< Connections to PostgreSQL, of one replica.
inline constexpr int kMaxDatabasePool = 100;
inline constexpr int kDatabaseAttempts = 4;  ///< Of one read or write, on other connections.
inline constexpr std::chrono::seconds kDatabaseConnect{5};
inline constexpr std::chrono::seconds kDatabaseStatement{10};  ///< The wait for locks included.
inline constexpr std::chrono::seconds kDatabaseStart{15};      ///< Until a start gives up.
inline constexpr std::chrono::seconds kMigrationWait{600};     ///< For another that migrates.
inline constexpr int kAuditWalkRows = 1000;  ///< In memory at once while the trail is verified.

// Replicas.
inline constexpr std::chrono::milliseconds kReplicaHeartbeat{1000};
/// Silent for longer: dead. Changes wait for it no more, nor ask whether it is ready.
inline constexpr std::chrono::seconds kReplicaExpiry{5};
inline constexpr std::chrono::hours kReplicaForgotten{24};  ///< Silent for so long: not shown.
inline constexpr std::chrono::milliseconds kReplicasApply{1000};  ///< A verb waiting for others.
inline constexpr std::chrono::milliseconds kReplicaLook{5};  ///< Between two looks of that wait.
inline constexpr std::size_t kReplicaReportBatch = 500;      ///< Versions that one beat tells of.
inline constexpr std::size_t kReplicasPerDirectory = 64;     ///< Servers with one data directory.
inline constexpr std::chrono::milliseconds kChangePoll{20};  ///< Between looks at SQLite's log.
inline constexpr std::chrono::seconds kChangeRetry{1};       ///< After the database did not tell.

// Events.
inline constexpr std::size_t kMaxEventReaders = 256;  ///< Streams of /api/v1/events at once.
inline constexpr int kEventPage = 100;  ///< Events that one stream holds in memory at once.
inline constexpr std::chrono::seconds kEventComment{15};  ///< Between comments of a silent stream.
inline constexpr std::chrono::milliseconds kEventLook{50};  ///< Whether the registry has moved.

// Rollouts.
inline constexpr std::size_t kMaxPlanSteps = 100;           ///< One for each percent of traffic.
inline constexpr std::size_t kMaxPlanWindows = 32;          ///< When steps up may be taken.
inline constexpr std::chrono::hours kMaxStepTime{90 * 24};  ///< Bake time or deadline of a step.
/// Of one rollout, those of shares that people set included. As many as a verdict looks at.
inline constexpr std::size_t kMaxRolloutEpochs = 1024;
inline constexpr std::size_t kEvidenceBatch = 500;  ///< Failing keys that one transaction takes.
inline constexpr std::size_t kEvidenceSlice = 500;  ///< Keys that are written or dropped at once.
inline constexpr std::size_t kMaxVerdictBytes = 8 * 1024 * 1024;  ///< With its evidence.

// Serving.
inline constexpr std::size_t kRecentRequests = 10'000;     ///< Kept to be explained, all cores.
inline constexpr std::size_t kRecentTextBytes = 64;        ///< Of their request ids and units.
inline constexpr std::size_t kMaxFailingKeys = 1'000'000;  ///< Kept of one epoch of a rollout.
inline constexpr std::size_t kMaxSeenKeys = 1'048'576;     ///< Cells that an epoch's keys share.
inline constexpr std::size_t kInferenceQueue = 256;  ///< Long inferences waiting for the pool.
inline constexpr std::chrono::microseconds kInlineInference{200};  ///< Longer work leaves the core.

// Shadows: copies of calls, which are the first thing that is shed.
inline constexpr std::size_t kMaxShadows = 4;     ///< Of one route that get copies at once.
inline constexpr std::size_t kShadowQueue = 256;  ///< Copies that wait or run, per core.
inline constexpr int kShadowThreads = 1;          ///< Of low priority, for models in this process.
inline constexpr std::size_t kMaxShadowInputBytes = 128 * 1024;  ///< Larger calls are not copied.
/// Of the champion's answer to a call that was copied, or of its shadow's: a larger one is not kept
/// to be compared.
inline constexpr std::size_t kMaxShadowAnswerBytes = 1024 * 1024;
/// A copy that has waited for longer says nothing about now, and is shed.
inline constexpr std::chrono::seconds kShadowPatience{2};
/// For a challenger that has no deadline of its own; what is stuck is ended before.
inline constexpr std::chrono::seconds kChallengerPatience{60};
inline constexpr std::size_t kShadowCalls = 32;                 ///< To providers at once, per core.
inline constexpr std::size_t kMaxShadowBodyBytes = 256 * 1024;  ///< Of a copy to a provider.
inline constexpr std::chrono::seconds kShadowBudgetLook{10};  ///< At what all replicas have spent.
inline constexpr std::chrono::seconds kShadowLog{10};  ///< Between two log lines about one shadow.

// The journal.
inline constexpr std::size_t kJournalSegmentBytes = 4 * 1024 * 1024;  ///< One file, one mapping.
inline constexpr std::size_t kJournalSpareSegments = 2;               ///< Prepared ahead, per core.
/// Of one core, current and prepared ones included: with all of them unread it takes no more.
inline constexpr std::size_t kJournalSegmentsPerCore = 64;
inline constexpr std::size_t kMaxJournalRecordBytes = 4 * 1024;
inline constexpr std::chrono::milliseconds kJournalSync{50};  ///< What a power cut may cost.
inline constexpr std::size_t kMaxJournalTextBytes = 256;  ///< Of each text in it; longer is cut.

// Costs.
inline constexpr std::int64_t kMaxUsage = 1'000'000'000'000;  ///< Of one class, of one attempt.
/// A million dollars: per million tokens, or for each image or call.
inline constexpr std::int64_t kMaxPriceNanoUsd = 1'000'000'000'000'000;
inline constexpr std::int64_t kMaxAttemptCostNanoUsd = kMaxPriceNanoUsd;
inline constexpr std::size_t kMaxPrices = 10'000;  ///< Rows, those of the past included.
inline constexpr std::size_t kCostBatch = 500;     ///< Events that one transaction takes.
/// After this much time a transaction of records takes no more: changes of the registry wait for
/// it.
inline constexpr std::chrono::milliseconds kRecordTransaction{10};
inline constexpr std::size_t kDropBatch = 50;  ///< Events that one statement of retention removes.
inline constexpr int kMaxCostHours = 8760;     ///< A year: the longest window of a cost report.
inline constexpr std::size_t kTopModels = 10;

}  // namespace podium::limits
