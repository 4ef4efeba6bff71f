#include "control/mlflow/errors.h"

#include "base/json.h"

namespace podium::control {
namespace {

net::Response ErrorResponse(const MlflowErrorTraits& traits, std::string_view message) {
  Json json;
  json["error_code"] = traits.code;
  json["message"] = message;
  net::Response response;
  response.status = traits.http_status;
  response.body = DumpJson(json);
  return response;
}

}  // namespace

MlflowErrorTraits MlflowTraitsOf(const Error& error) {
  switch (error.code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kUnsupportedMedia:
      return {"INVALID_PARAMETER_VALUE", 400};
    case ErrorCode::kTooLarge:
      return {"INVALID_PARAMETER_VALUE", 413};
    case ErrorCode::kUnauthenticated:
      return {"UNAUTHENTICATED", 401};
    case ErrorCode::kPermissionDenied:
      return {"PERMISSION_DENIED", 403};
    case ErrorCode::kNotFound:
      return {"RESOURCE_DOES_NOT_EXIST", 404};
    case ErrorCode::kMethodNotAllowed:
      return {"ENDPOINT_NOT_FOUND", 405};
    case ErrorCode::kConflict:
      if (error.where == "name") return {"RESOURCE_ALREADY_EXISTS", 400};
      return {"RESOURCE_CONFLICT", 409};
    // Clients do not repeat a 409: neither a lost race nor a row that somebody must mend gets
    // better by asking again.
    case ErrorCode::kRevisionMismatch:
    case ErrorCode::kUnprocessable:
      return {"RESOURCE_CONFLICT", 409};
    case ErrorCode::kTimeout:
      return {"TEMPORARILY_UNAVAILABLE", 408};
    case ErrorCode::kLimited:
      return {"REQUEST_LIMIT_EXCEEDED", 429};
    case ErrorCode::kUnavailable:
      return {"TEMPORARILY_UNAVAILABLE", 503};
    case ErrorCode::kDeadline:
      return {"DEADLINE_EXCEEDED", 504};
    case ErrorCode::kNotImplemented:
      return {"NOT_IMPLEMENTED", 501};
    case ErrorCode::kInternal:
      break;
  }
  return {"INTERNAL_ERROR", 500};
}

net::Response MlflowErrorResponse(const Error& error) {
  // The sentence alone: it is MLflow's own. Where and why are in the log.
  return ErrorResponse(MlflowTraitsOf(error), error.message);
}

net::Response MlflowNoEndpoint(int status, std::string_view message) {
  return ErrorResponse({"ENDPOINT_NOT_FOUND", status}, message);
}

}  // namespace podium::control
