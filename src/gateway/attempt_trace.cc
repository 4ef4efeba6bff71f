#include "gateway/attempt_trace.h"

namespace podium::gateway {
namespace {

// `gen_ai.provider.name`: the conventions tell providers apart by the API that they speak.
std::string_view GenAiKindOf(const Provider& provider) {
  if (provider.kind == ProviderKind::kAnthropic) return "anthropic";
  return provider.options.azure_paths ? "azure.ai.openai" : "openai";
}

}  // namespace

std::unique_ptr<AttemptTrace> AttemptTrace::Begin(telemetry::CallTrace* call,
                                                  const journal::IntentView& intent,
                                                  bool model_known, SteadyTime now) {
  if (call == nullptr) return nullptr;
  auto trace = std::unique_ptr<AttemptTrace>(new AttemptTrace());
  trace->id_ = call->NewAttempt();
  trace->number_ = static_cast<int>(intent.number);
  trace->begun_ = now;
  trace->model_known_ = model_known;
  trace->upstream_model_ = intent.upstream_model;
  trace->version_ = intent.version;
  return trace;
}

void AttemptTrace::AddChunk(SteadyTime now) {
  const std::chrono::duration<double> since_last = now - last_chunk_;
  between_chunks_.Add(BoundsOf(telemetry::Instrument::kClientPerChunk), since_last.count());
  last_chunk_ = now;
}

void AttemptTrace::End(telemetry::CallTrace& call, const Provider& provider,
                       const TokenUsage& usage, std::string_view error) const {
  telemetry::AttemptFacts facts;
  facts.id = id_;
  facts.number = number_;
  facts.begun = begun_;
  facts.first_output = first_output_;
  facts.provider = provider.name;
  facts.gen_ai_kind = GenAiKindOf(provider);
  facts.server_address = provider.origin.host;
  facts.server_port = provider.origin.port;
  facts.upstream_model = upstream_model_;
  facts.response_model = response_model_;
  facts.version = version_;
  facts.model_known = model_known_;
  facts.error_type = error;
  facts.finish = finish_;
  if (first_output_) facts.between_chunks = &between_chunks_;
  facts.usage = usage;
  call.EndAttempt(facts);
}

}  // namespace podium::gateway
