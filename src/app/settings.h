// Every setting of the server in one immutable value: flag over environment over file over default.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "app/base_url.h"
#include "app/database_settings.h"
#include "app/prediction_settings.h"
#include "app/telemetry_settings.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/secret.h"
#include "domain/shadow.h"
#include "gateway/attempt_policy.h"
#include "gateway/breaker.h"
#include "gateway/llm_core.h"
#include "gateway/provider_table.h"
#include "net/address.h"
#include "routing/fallback_chain.h"
#include "runtime/harm_limits.h"

namespace podium::app {

/// `providers.<name>`.
struct ProviderSettings {
  std::optional<gateway::ProviderKind> kind;  ///< Must be given, as must base_url.
  std::optional<BaseUrl> base_url;
  std::string api_key_env;             ///< The variable that holds the credential,
  std::filesystem::path api_key_file;  ///< or the file; neither: none is sent.
  bool allow_private = false;          ///< Loopback and private addresses too.
  std::filesystem::path ca_file;       ///< PEM; empty: whom the system trusts.
  bool azure = false;
  std::string api_version;
  bool native_responses = true;
  bool legacy_max_tokens = false;
  std::int64_t default_max_tokens = 4096;
  gateway::ProviderTimeouts timeouts;

  Secret credential;    ///< Read from where it is said to be.
  std::string trouble;  ///< Why it could not be read.
};

/// `routes.<tag>.shadow`.
struct ShadowSettings {
  ShadowPlan plan;  ///< rate, daily_cost_cap_usd
  std::string
      provider;  ///< Of a shadow that is registered if need be; empty: only those there are.
  std::string upstream_model;
};

struct Settings {
  net::HostPort listen{"127.0.0.1", 8080};          ///< server.listen
  std::size_t cores = 0;                            ///< server.cores; 0: what the machine grants
  std::chrono::milliseconds drain_timeout{10'000};  ///< server.drain_timeout
  std::filesystem::path data_dir = "podium-data";   ///< --data
  Secret admin_token;                               ///< PODIUM_ADMIN_TOKEN or auth.admin_token

  std::chrono::milliseconds cache_ttl{30'000};     ///< registry.cache_ttl: older is called stale
  std::chrono::milliseconds revision_poll{1'000};  ///< registry.revision_poll
  std::string replica_id;  ///< replica.id; empty: made once, kept in the data directory

  /// serving.artifact_roots; empty: the data directory's `artifacts`, which is always the first
  /// root.
  std::vector<std::filesystem::path> artifact_roots;
  std::filesystem::path onnxruntime;  ///< serving.onnxruntime; empty: beside the binary
  std::chrono::microseconds inline_limit = limits::kInlineInference;  ///< serving.inline_limit
  int inference_threads = 2;                                          ///< serving.inference_threads
  std::size_t inference_queue = limits::kInferenceQueue;              ///< serving.inference_queue
  std::chrono::seconds load_timeout = limits::kLoadTimeout;           ///< serving.load_timeout
  std::uint64_t load_memory = limits::kLoadMemory;                    ///< serving.load_memory_limit
  std::size_t call_memory = limits::kCallMemory;                      ///< serving.call_memory_limit
  std::chrono::milliseconds inference_timeout =
      limits::kInferenceTimeout;                                 ///< serving.inference_timeout
  std::size_t max_predict_bytes = limits::kMaxPredictBodyBytes;  ///< serving.max_body_bytes
  std::uint64_t max_artifact_bytes = limits::kMaxArtifactBytes;  ///< serving.max_artifact_bytes

  std::map<std::string, ProviderSettings> providers;      ///< By name.
  std::string default_provider;                           ///< default_provider; may be empty
  routing::UnknownRoutes unknown_routes{};                ///< unknown_routes
  std::map<std::string, routing::UpstreamTarget> routes;  ///< routes.<tag>.default
  std::map<std::string, ShadowSettings> shadows;          ///< routes.<tag>.shadow
  std::size_t shadow_answer_bytes = limits::kMaxShadowAnswerBytes;  ///< serving.shadow_answer_limit
  gateway::AttemptPolicy attempts;                                  ///< llm.max_attempts and so on
  gateway::BreakerPolicy breaker;                                   ///< llm.breaker_*
  std::chrono::milliseconds llm_timeout = limits::kLlmTimeout;      ///< llm.timeout
  std::size_t max_llm_bytes = limits::kMaxLlmBodyBytes;             ///< llm.max_body_bytes
  gateway::DrainPolicy drain;                                       ///< llm.drain_*

  DatabaseSettings database;  ///< database.*

  std::optional<BaseUrl> mlflow_upstream;  ///< mlflow.upstream
  std::filesystem::path mlflow_ca_file;    ///< mlflow.upstream_ca_file

  std::chrono::milliseconds follow_poll{30'000};  ///< follow.poll_interval
  bool follow_trust = false;                      ///< follow.trust

  std::chrono::seconds event_retention{std::chrono::hours(24 * 90)};  ///< registry.event_retention
  std::chrono::seconds cost_retention{std::chrono::hours(24 * 400)};  ///< costs.retention

  PredictionSettings predictions;  ///< predictions.*

  TelemetrySettings telemetry;  ///< telemetry.*

  LogFormat log_format = LogFormat::kJson;  ///< log.format
  ErrorLog log_level = ErrorLog::kInfo;     ///< log.level
};

}  // namespace podium::app
