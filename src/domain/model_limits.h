// The named limits (invariant 16) of MLflow's registry and of its artifacts, beside base/limits.h.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/limits.h"

namespace podium::limits {

// Registered models (the MLflow registry). Lengths are in characters, as its clients count them.
inline constexpr std::size_t kMaxModelNameChars = 256;
inline constexpr std::size_t kMaxDescriptionChars = 5000;
inline constexpr std::size_t kMaxSourceChars = 500;  ///< `source` and `run_link`.
inline constexpr std::size_t kMaxRunIdChars = 64;    ///< `run_id` and `model_id`.
inline constexpr std::size_t kMaxAliasChars = 255;
inline constexpr std::size_t kMaxModelUserChars = 256;
inline constexpr std::size_t kMaxTagKeyChars = 250;
inline constexpr std::size_t kMaxModelTagValueChars = 5000;       ///< Of a registered model.
inline constexpr std::size_t kMaxVersionTagValueChars = 100'000;  ///< Of a version.
inline constexpr std::size_t kMaxModelTags = 500;                 ///< Of one model or version.
inline constexpr std::size_t kMaxModelTagsBytes = 1024 * 1024;    ///< Of all of them, with keys.
inline constexpr std::size_t kMaxAliases = 1000;                  ///< Of one model.
inline constexpr std::int64_t kMaxVersionNumber = 2'147'483'647;  ///< That an import may bring.
inline constexpr std::size_t kMaxImportVersions = 100;            ///< Of one call, one transaction.
inline constexpr std::size_t kMaxImportBodyBytes = 4 * 1024 * 1024;
inline constexpr std::size_t kMaxSearchFilterBytes = 8 * 1024;
inline constexpr std::size_t kMaxSearchClauses = 64;
inline constexpr std::size_t kMaxSearchValues = 1000;  ///< Of one IN list.
inline constexpr std::size_t kMaxOrderKeys = 8;
inline constexpr std::size_t kMaxPageTokenBytes = 8 * 1024;
inline constexpr int kModelSearchDefault = 100;
inline constexpr int kModelSearchMax = 1000;
inline constexpr int kVersionSearchDefault = 10'000;
inline constexpr int kVersionSearchMax = 200'000;
inline constexpr int kModelScanRows = 500;            ///< That one statement of a search brings.
inline constexpr std::size_t kMaxArtifactSteps = 64;  ///< Folders of an artifact's path.
inline constexpr std::size_t kMaxArtifactStepBytes = 200;       ///< Of one of them.
inline constexpr std::size_t kMaxArtifactEntries = 50'000;      ///< Of one folder that is listed.
inline constexpr std::size_t kArtifactPieceBytes = 256 * 1024;  ///< Read at once of a download.
inline constexpr std::size_t kMaxProxiedBodyBytes = 16 * 1024 * 1024;  ///< On to mlflow.upstream.
inline constexpr std::size_t kMaxLoggedModelBytes = 4 * 1024 * 1024;   ///< Its answer about one.
/// Of the file MLmodel of a logged model, and of a signature beside its ONNX file.
inline constexpr std::size_t kMaxMlmodelBytes = 1024 * 1024;
inline constexpr std::chrono::seconds kProxyTimeout{120};  ///< Of one such call.
inline constexpr int kMaxPathDecodings = 10;  ///< Times that a source is percent-decoded.

}  // namespace podium::limits
