// The body of an OIP v2 inference request, with or without the binary tensor extension: read and
// checked as far as that goes without a model. Nothing is copied yet.
#pragma once

#include <simdjson.h>

#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "domain/tensor.h"
#include "gateway/json_body.h"

namespace podium::gateway {

/// One input as sent. Views into the body and its JSON tree.
struct OipInput {
  std::string_view name;
  DataType type = DataType::kFp32;
  Shape shape;                            ///< Every dimension at least 1.
  std::size_t count = 0;                  ///< Product of the shape.
  std::optional<std::string_view> bytes;  ///< Binary data; else `data` holds it.
  simdjson::dom::array data;
};

struct OipOutput {
  std::string_view name;
  bool binary = false;
};

struct OipRequest {
  std::optional<std::string_view> id;
  std::string_view session_id;  ///< Of the parameters; empty when absent.
  std::vector<OipInput> inputs;
  std::vector<OipOutput> outputs;       ///< In the order wanted; empty: all, as the model has them.
  bool binary = false;                  ///< Outputs that are not named are wanted as binary data.
  std::optional<std::string_view> raw;  ///< The body is the data of the only input, and no more.
};

/// What is wrong with a request, for its caller: kInvalidArgument.
template <typename... Args>
Failure RefuseOip(fmt::format_string<Args...> format, Args&&... args) {
  return Fail(ErrorCode::kInvalidArgument, format, std::forward<Args>(args)...);
}

/// `header_bytes` is the value of Inference-Header-Content-Length: the JSON's part of the body, 0
/// for a raw request, nullopt when there is no such header. kInvalidArgument says what is wrong
/// where; kNotImplemented for an extension that would change what the request means. REQUIRES:
/// net::kBodyPadding readable bytes behind `body`.
Result<OipRequest> ReadOipRequest(JsonBody& json, std::string_view body,
                                  std::optional<std::string_view> header_bytes);

}  // namespace podium::gateway
