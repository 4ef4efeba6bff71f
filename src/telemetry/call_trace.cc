#include "telemetry/call_trace.h"

#include <algorithm>
#include <array>
#include <utility>

namespace podium::telemetry {
namespace {

constexpr int kFirstErrorStatus = 400;
constexpr std::string_view kOther = "_OTHER";  // The conventions' word for what has no name.

// As `error.type` of HTTP: the status as text, of a closed list.
std::string_view ErrorTypeOf(int status) {
  static constexpr std::array<std::pair<int, std::string_view>, 14> kKnown{{
      {400, "400"},
      {401, "401"},
      {403, "403"},
      {404, "404"},
      {405, "405"},
      {408, "408"},
      {409, "409"},
      {413, "413"},
      {415, "415"},
      {422, "422"},
      {429, "429"},
      {500, "500"},
      {503, "503"},
      {504, "504"},
  }};
  const auto known = std::ranges::find(kKnown, status, [](const auto& each) { return each.first; });
  return known == kKnown.end() ? kOther : known->second;
}

std::optional<std::chrono::nanoseconds> Behind(SteadyTime begin, std::optional<SteadyTime> moment) {
  if (!moment) return std::nullopt;
  return *moment - begin;
}

AttemptFigures FiguresOf(const AttemptFacts& attempt, std::chrono::nanoseconds duration,
                         std::optional<std::chrono::nanoseconds> first_chunk) {
  AttemptFigures figures{duration, first_chunk, {}, {}, attempt.between_chunks};
  // Nothing was reported: a zero would be a figure.
  const bool failed = !attempt.error_type.empty() && attempt.usage.total_tokens() == 0;
  if (attempt.usage.estimated || failed) return figures;
  figures.input_tokens = attempt.usage.input_tokens();
  figures.output_tokens = attempt.usage.output_tokens();
  return figures;
}

// Of a stream that was answered to its end, and whose tokens the provider has counted.
std::optional<std::chrono::nanoseconds> PerToken(const AttemptFacts& attempt,
                                                 std::chrono::nanoseconds duration) {
  const std::int64_t others = attempt.usage.output_tokens() - 1;
  const bool counted = attempt.error_type.empty() && !attempt.usage.estimated && others > 0;
  if (!attempt.first_output || !counted) return std::nullopt;
  return (duration - (*attempt.first_output - attempt.begun)) / others;
}

}  // namespace

CallTrace::CallTrace(Recorder& recorder, const std::optional<TraceContext>& caller,
                     Operation operation, SteadyTime received)
    : recorder_(recorder), operation_(operation), received_(received) {
  if (recorder.traces()) place_ = recorder.Place(caller);
}

CallTrace::~CallTrace() {
  const std::chrono::nanoseconds duration = recorder_.clock().SteadyNow() - received_;
  const auto first_output = Behind(received_, first_output_);
  if (operation_.is_gen_ai) {
    SeriesView key;
    key.operation = operation_.name;
    key.gen_ai_kind = gen_ai_kind_;
    if (route_known_) key.request_model = route_;
    key.error_type = error_type_;
    recorder_.metrics().RecordCall(key, {duration, first_output, per_token_});
  }
  if (place_.self.sampled) WriteCall(duration, first_output);
}

void CallTrace::WriteCall(std::chrono::nanoseconds duration,
                          std::optional<std::chrono::nanoseconds> first_output) {
  Span* span = recorder_.spans().Claim();
  if (span == nullptr) return;
  span->trace = place_.self.trace;
  span->id = place_.self.span;
  span->parent = place_.parent;
  span->parent_is_remote = has_caller();
  span->kind = SpanKind::kServer;
  span->is_gen_ai = operation_.is_gen_ai;
  span->start = recorder_.WallAt(received_);
  span->duration = duration;
  span->first_chunk = first_output;
  span->operation = operation_.name;
  span->gen_ai_kind = gen_ai_kind_;
  span->error_type = error_type_;
  span->finish = finish_;
  span->status = status_;
  span->attempt = attempts_;
  span->generation = generation_;
  span->route.Assign(route_);
  span->request_model.Assign(route_);
  span->provider.Assign(provider_);
  span->response_model.Assign(response_model_);
  span->version.Assign(version_);
  recorder_.spans().Publish();
}

std::optional<std::string> CallTrace::TraceparentOf(SpanId attempt) const {
  if (!recorder_.traces()) return std::nullopt;
  return FormatTraceparent({place_.self.trace, attempt, place_.self.sampled});
}

void CallTrace::SetRoute(std::string_view route, bool known, std::uint64_t generation) {
  route_ = route;
  route_known_ = known;
  generation_ = generation;
}

void CallTrace::SetStatus(int status) {
  status_ = status;
  error_type_ = status >= kFirstErrorStatus ? ErrorTypeOf(status) : attempt_error_;
}

void CallTrace::EndAttempt(const AttemptFacts& attempt) {
  const std::chrono::nanoseconds duration = recorder_.clock().SteadyNow() - attempt.begun;
  const auto first_chunk = Behind(attempt.begun, attempt.first_output);
  ++attempts_;
  if (attempt.first_output) first_output_ = attempt.first_output;
  per_token_ = PerToken(attempt, duration);
  finish_ = attempt.finish;
  gen_ai_kind_ = attempt.gen_ai_kind;
  provider_ = attempt.provider;
  response_model_ = attempt.response_model;
  version_ = attempt.version;
  attempt_error_ = attempt.error_type;
  route_known_ = route_known_ || attempt.model_known;
  SeriesView key;
  key.operation = operation_.name;
  key.gen_ai_kind = attempt.gen_ai_kind;
  key.request_model = attempt.model_known ? attempt.upstream_model : kOther;
  if (attempt.model_known) key.response_model = attempt.response_model;
  key.error_type = attempt.error_type;
  key.server_address = attempt.server_address;
  key.server_port = attempt.server_port;
  recorder_.metrics().RecordAttempt(key, FiguresOf(attempt, duration, first_chunk));
  if (place_.self.sampled) WriteAttempt(attempt, duration, first_chunk);
}

void CallTrace::WriteAttempt(const AttemptFacts& attempt, std::chrono::nanoseconds duration,
                             std::optional<std::chrono::nanoseconds> first_chunk) {
  Span* span = recorder_.spans().Claim();
  if (span == nullptr) return;
  span->trace = place_.self.trace;
  span->id = attempt.id;
  span->parent = place_.self.span;
  span->kind = SpanKind::kClient;
  span->start = recorder_.WallAt(attempt.begun);
  span->duration = duration;
  span->first_chunk = first_chunk;
  span->operation = operation_.name;
  span->gen_ai_kind = attempt.gen_ai_kind;
  span->error_type = attempt.error_type;
  span->finish = attempt.finish;
  span->server_port = attempt.server_port;
  span->attempt = attempt.number;
  span->generation = generation_;
  span->usage = attempt.usage;
  span->route.Assign(route_);
  span->version.Assign(attempt.version);
  span->request_model.Assign(attempt.upstream_model);
  span->response_model.Assign(attempt.response_model);
  span->provider.Assign(attempt.provider);
  span->server_address.Assign(attempt.server_address);
  recorder_.spans().Publish();
}

}  // namespace podium::telemetry
