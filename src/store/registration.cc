#include "store/registration.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/json.h"
#include "base/limits.h"
#include "domain/names.h"

namespace podium::store {
namespace {

Status At(Status checked, std::string_view field) {
  if (!checked) return Fail(std::move(checked).error().At(std::string(field)));
  return {};
}

Status CheckOptionalName(std::string_view field, std::string_view name) {
  return name.empty() ? Status{} : At(CheckName(field, name), field);
}

Status CheckNames(const ModelVersion& row) {
  PODIUM_TRY(At(CheckName("route", row.route.get()), "route"));
  PODIUM_TRY(At(CheckName("name", row.name), "name"));
  PODIUM_TRY(At(CheckName("version", row.version), "version"));
  PODIUM_TRY(CheckOptionalName("model_id", row.model_id.get()));
  PODIUM_TRY(At(CheckName("provider_key", row.provider_key), "provider_key"));
  PODIUM_TRY(CheckOptionalName("format", row.format));
  return {};
}

Status CheckTexts(const ModelVersion& row) {
  const std::pair<std::string_view, const std::string*> short_texts[] = {
      {"upstream_model", &row.upstream_model}, {"stage", &row.stage},
      {"catalogue_id", &row.catalogue_id},     {"experiment_id", &row.experiment_id},
      {"source_run", &row.source_run},
  };
  for (const auto& [field, text] : short_texts) {
    PODIUM_TRY(At(CheckText(field, *text, limits::kMaxUnitBytes), field));
  }
  return At(CheckText("artifact_uri", row.artifact_uri, limits::kMaxUriBytes), "artifact_uri");
}

Status CheckDigest(const std::string& sha256) {
  if (sha256.empty()) return {};
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (sha256.size() == 64 && std::all_of(sha256.begin(), sha256.end(), is_hex)) return {};
  return At(Fail(ErrorCode::kInvalidArgument, "sha256 is 64 lower-case hexadecimal digits"),
            "sha256");
}

Status CheckSignature(const std::string& signature) {
  if (signature.empty()) return {};
  if (signature.size() > limits::kMaxAdminBodyBytes) {
    return At(Fail(ErrorCode::kInvalidArgument, "signature is {} bytes long, the limit is {}",
                   signature.size(), limits::kMaxAdminBodyBytes),
              "signature");
  }
  const Result<Json> parsed = ParseJson(signature);
  if (!parsed) return At(Fail(parsed.error()), "signature");
  if (parsed->is_object()) return {};
  return At(Fail(ErrorCode::kInvalidArgument, "signature must be a JSON object"), "signature");
}

template <typename Map>
Status CheckKeys(std::string_view field, const Map& map) {
  if (map.size() > limits::kMaxTags) {
    return At(Fail(ErrorCode::kInvalidArgument, "{} holds {} entries, the limit is {}", field,
                   map.size(), limits::kMaxTags),
              field);
  }
  for (const auto& [key, value] : map) {
    if (key.empty()) {
      return At(Fail(ErrorCode::kInvalidArgument, "{} has an empty key", field), field);
    }
    PODIUM_TRY(At(CheckText(field, key, limits::kMaxNameBytes), field));
  }
  return {};
}

Status CheckMaps(const ModelVersion& row) {
  PODIUM_TRY(CheckKeys("metrics", row.metrics));
  for (const auto& [key, value] : row.metrics) {
    if (!std::isfinite(value)) {
      return At(Fail(ErrorCode::kInvalidArgument, "metric {} is not a finite number", key),
                "metrics");
    }
  }
  PODIUM_TRY(CheckKeys("tags", row.tags));
  for (const auto& [key, value] : row.tags) {
    PODIUM_TRY(At(CheckText("tags", value, limits::kMaxUriBytes), "tags"));
  }
  return {};
}

}  // namespace

Result<ModelVersion> CheckRegistration(ModelVersion row) {
  if (row.name.empty()) row.name = row.route.get();
  if (row.provider_key.empty()) row.provider_key = kLocalProvider;
  PODIUM_TRY(CheckNames(row));
  PODIUM_TRY(CheckTexts(row));
  PODIUM_TRY(CheckDigest(row.artifact_sha256));
  PODIUM_TRY(CheckSignature(row.signature));
  PODIUM_TRY(CheckMaps(row));
  if (row.status != VersionStatus::kStandby && row.status != VersionStatus::kShadow) {
    return Fail(Error{ErrorCode::kInvalidArgument,
                      fmt::format("a version is registered as standby or shadow, not as {}: "
                                  "activate or promote it afterwards",
                                  NameOf(row.status)),
                      "status", nullptr});
  }
  return row;
}

}  // namespace podium::store
