// The few fields of a body that decide where a call goes and what it may cost, and the splices that
// a body needs before it goes there. Everything else passes through byte for byte.
//
// Pure. The body is walked once, without building a tree: values that are not read here are not
// validated either, so a fault inside them is found by whoever reads them (the provider, or the
// translator).
#pragma once

#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "gateway/llm/surface.h"

namespace podium::gateway::llm {

/// A part of a body and what shall stand there instead.
struct Splice {
  std::size_t begin = 0;
  std::size_t end = 0;  ///< Equal to `begin`: an insertion.
  std::string text;
};

struct RequestFields {
  std::string model;  ///< As the caller names it: a route, a catalogue model, `auto`. Not empty.
  std::string user;   ///< `user`, or Anthropic's `metadata.user_id`; may be empty.
  bool stream = false;
  bool include_usage = false;              ///< The caller wants the frame with the usage.
  std::optional<std::int64_t> max_tokens;  ///< Of the output, whatever the surface calls it.
  std::int64_t choices = 1;                ///< `n`
  std::size_t model_begin = 0;             ///< Where the value of `model` stands, quotes included.
  std::size_t model_end = 0;
  std::optional<Splice> force_usage;  ///< What makes a chat stream report its usage.
  /// Unix seconds, set by who received the request: stamped on answers of providers that have no
  /// time of their own.
  std::int64_t received_unix = 0;
};

/// Threads: one per core. The memory of large bodies is given back with the next small one.
class FieldScanner {
 public:
  /// kInvalidArgument with the field in `where`: what is no JSON object, has no model, has a field
  /// of a wrong type or size, or names one of these fields twice or in other letter case (parsers
  /// differ in which one they take, so what is checked here might not be what is done there).
  /// REQUIRES: net::kBodyPadding readable bytes behind `body`.
  Result<RequestFields> Scan(Surface surface, std::string_view body);

 private:
  simdjson::ondemand::parser parser_;
};

/// `body` with the value of `model` replaced and, if asked, usage reported in the stream. Every
/// other byte stays as it is. REQUIRES: `fields` were scanned from `body`.
std::string SpliceBody(std::string_view body, const RequestFields& fields,
                       std::string_view upstream_model, bool force_usage);

}  // namespace podium::gateway::llm
