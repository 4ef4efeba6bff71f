// Every setting of the server in one immutable value: flag over environment over file over default.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/log.h"
#include "base/secret.h"
#include "net/address.h"
#include "runtime/harm_limits.h"

namespace podium::app {

struct Settings {
  net::HostPort listen{"127.0.0.1", 8080};          ///< server.listen
  std::size_t cores = 0;                            ///< server.cores; 0: what the machine grants
  std::chrono::milliseconds drain_timeout{10'000};  ///< server.drain_timeout
  std::filesystem::path data_dir = "podium-data";   ///< --data
  Secret admin_token;                               ///< PODIUM_ADMIN_TOKEN or auth.admin_token

  std::chrono::milliseconds cache_ttl{30'000};  ///< registry.cache_ttl: older is called stale
  std::chrono::milliseconds revision_poll{20};  ///< registry.revision_poll

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

  LogFormat log_format = LogFormat::kJson;  ///< log.format
  ErrorLog log_level = ErrorLog::kInfo;     ///< log.level
};

}  // namespace podium::app
