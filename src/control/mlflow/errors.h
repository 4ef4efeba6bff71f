// Podium's errors in the words of MLflow's REST API. Pure.
#pragma once

#include <string_view>

#include "base/error.h"
#include "net/response.h"

namespace podium::control {

/// What an MLflow client is told. Its list of codes is closed: one that it does not know would be
/// taken for an internal error.
struct MlflowErrorTraits {
  std::string_view code;
  int http_status = 500;
};
/// A conflict at "name" is a name that is taken (RESOURCE_ALREADY_EXISTS, which is a 400 there);
/// any other is RESOURCE_CONFLICT.
MlflowErrorTraits MlflowTraitsOf(const Error& error);

/// {"error_code", "message"}: the message as it is, without the place and the causes.
net::Response MlflowErrorResponse(const Error& error);
/// There is nothing at this path: ENDPOINT_NOT_FOUND, which clients look for to try another.
net::Response MlflowNoEndpoint(int status, std::string_view message);

}  // namespace podium::control
