#include "embed/convert.h"

#include "base/json.h"

namespace podium::v1 {
namespace {

ErrorCode PublicCode(podium::ErrorCode code) {
  using Ours = podium::ErrorCode;
  switch (code) {
    case Ours::kInvalidArgument:
    case Ours::kTooLarge:
      return ErrorCode::kInvalidArgument;
    case Ours::kNotFound:
      return ErrorCode::kNotFound;
    case Ours::kConflict:
    case Ours::kRevisionMismatch:
      return ErrorCode::kConflict;
    case Ours::kLimited:
      return ErrorCode::kLimited;
    case Ours::kUnprocessable:
      return ErrorCode::kUnprocessable;
    case Ours::kUnavailable:
    case Ours::kTimeout:
    case Ours::kDeadline:
      return ErrorCode::kUnavailable;
    // What only a server says.
    case Ours::kUnauthenticated:
    case Ours::kPermissionDenied:
    case Ours::kMethodNotAllowed:
    case Ours::kUnsupportedMedia:
    case Ours::kNotImplemented:
    case Ours::kInternal:
      break;
  }
  return ErrorCode::kInternal;
}

podium::ErrorCode InternalCode(ErrorCode code) {
  using Ours = podium::ErrorCode;
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return Ours::kInvalidArgument;
    case ErrorCode::kNotFound:
      return Ours::kNotFound;
    case ErrorCode::kConflict:
      return Ours::kConflict;
    case ErrorCode::kLimited:
      return Ours::kLimited;
    case ErrorCode::kUnprocessable:
      return Ours::kUnprocessable;
    case ErrorCode::kUnavailable:
      return Ours::kUnavailable;
    case ErrorCode::kInternal:
      break;
  }
  return Ours::kInternal;
}

}  // namespace

std::string_view NameOf(ErrorCode code) { return TraitsOf(InternalCode(code)).slug; }

Error Public(const podium::Error& error) {
  Error made{PublicCode(error.code), error.message, error.where};
  for (const podium::Error* cause = error.cause.get(); cause != nullptr;
       cause = cause->cause.get()) {
    made.message += ": " + cause->message;
  }
  return made;
}

podium::Error Internal(const Error& error) {
  return {InternalCode(error.code), error.message, error.where, nullptr};
}

ModelVersion Public(const podium::ModelVersion& row) {
  return {row.model_id.get(), row.name,       row.version, row.artifact_uri,
          row.format,         row.created_at, row.metrics, row.status == VersionStatus::kPrimary};
}

AuditEntry Public(const Promotion& row) {
  AuditEntry entry;
  entry.revision = row.revision.get();
  entry.name = row.route.get();
  entry.kind = NameOf(row.kind);
  entry.from = row.from ? row.from->get() : "";
  entry.to = row.to ? row.to->get() : "";
  entry.weight_before = WeightOf(row.share_before);
  entry.weight_after = WeightOf(row.share_after);
  entry.actor = row.actor;
  entry.reason = row.reason;
  entry.at = row.at;
  return entry;
}

podium::ModelVersion RowOf(const NewVersion& version) {
  podium::ModelVersion row;
  row.model_id = ModelId(version.id);
  row.route = RouteName(version.name);
  row.name = version.name;
  row.version = version.version;
  row.provider_key = version.provider;  // The store says "local" where there is none.
  row.upstream_model = version.upstream_model;
  row.artifact_uri = version.path;
  row.format = version.format;
  row.metrics = version.metrics;
  return row;
}

podium::Result<BasisPoints> ShareOf(double weight) {
  if (podium::Result<BasisPoints> share = BasisPoints::FromPercent(weight * 100.0)) return share;
  return Fail(podium::Error{
      podium::ErrorCode::kInvalidArgument,
      fmt::format("a weight is 0.0 to 1.0 in steps of 0.0001, not {}", weight), "weight", nullptr});
}

std::string ToJson(const ModelVersion& version) {
  Json json = Json::object();
  json["id"] = version.id;
  json["name"] = version.name;
  json["version"] = version.version;
  json["path"] = version.path;
  json["format"] = version.format;
  json["created_at"] = FormatUtc(version.created_at);
  if (!version.metrics.empty()) json["metrics"] = version.metrics;
  json["active"] = version.active;
  return DumpJson(json);
}

}  // namespace podium::v1
