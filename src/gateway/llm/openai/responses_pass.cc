// Response events for a caller who asked for response events.
#include <cstdint>
#include <limits>
#include <string>

#include "gateway/llm/openai/openai_usage.h"
#include "gateway/llm/openai/responses_pass.h"
#include "gateway/llm/stream_translators.h"
#include "net/sse_parser.h"

namespace podium::gateway::llm {
namespace {

class ResponsesPass final : public StreamTranslator {
 public:
  explicit ResponsesPass(JsonScratch& scratch) : scratch_(scratch) {}

  Status Feed(std::string_view event, std::string_view data, std::string& out) override;
  Status Finish(std::string& out) override;
  void Abort(const CallError& error, std::string& out) override {
    AppendErrorFrame(Surface::kResponses, error, sequence_, out);
  }

 private:
  void NoteOutput(JsonElement event, std::string_view type);
  void TakeResponse(JsonElement event);

  JsonScratch& scratch_;
  std::int64_t sequence_ = 0;
  std::string last_;  // The frame that is the clean end, until it may go out.
};

bool IsEnd(std::string_view type) {
  return type == "response.completed" || type == "response.incomplete";
}

Status ResponsesPass::Feed(std::string_view event, std::string_view data, std::string& out) {
  if (data.starts_with("[DONE]")) return {};  // Some servers add one; nobody needs it.
  const auto frame = scratch_.Parse(data);
  if (!frame || !frame->is_object()) {
    return FailWith(Unreadable(frame ? "an event that is no object" : frame.error().message));
  }
  const std::string_view type = StringAt(*frame, "type");
  if (auto failure = FailureIn(*frame, event)) return FailWith(*std::move(failure));
  TakeResponse(*frame);
  if (type == "response.failed") {
    const auto response = ObjectAt(*frame, "response");
    return FailWith(ClassifyFrame(response ? *response : *frame));
  }
  NoteOutput(*frame, type);
  if (const auto number = IntegerAt(*frame, "sequence_number")) {
    constexpr std::int64_t kLast = std::numeric_limits<std::int64_t>::max();
    sequence_ = *number == kLast ? kLast : *number + 1;
  }
  const std::string_view name = event.empty() ? type : event;
  if (IsEnd(type)) {
    progress_.ended = true;
    last_.clear();
    net::AppendSseEvent(name, data, last_);
    return {};
  }
  net::AppendSseEvent(name, data, out);
  return {};
}

void ResponsesPass::TakeResponse(JsonElement event) {
  const auto response = ObjectAt(event, "response");
  if (!response) return;
  progress_.upstream_id = StringAt(*response, "id");
  progress_.upstream_model = StringAt(*response, "model");
  progress_.finish = FinishOfResponse(*response);
  const auto usage = MemberAt(*response, "usage");
  if (const auto read = usage ? ReadOpenAiUsage(*usage) : std::nullopt) progress_.usage = *read;
}

void ResponsesPass::NoteOutput(JsonElement event, std::string_view type) {
  if (type.ends_with(".delta")) {
    const std::size_t bytes = StringAt(event, "delta").size();
    progress_.output_bytes += bytes;
    progress_.has_output = progress_.has_output || bytes > 0;
  } else if (type == "response.output_item.added") {
    // A call of a tool, or work of the provider's own: the caller may act on it already.
    const auto item = ObjectAt(event, "item");
    const std::string_view kind = item ? StringAt(*item, "type") : std::string_view{};
    if (kind != "message" && kind != "reasoning") progress_.has_output = true;
  }
}

Status ResponsesPass::Finish(std::string& out) {
  if (!progress_.ended) return FailWith(Unreadable("the stream ended without its end"));
  out += last_;
  return {};
}

}  // namespace

FinishReason FinishOfResponse(JsonElement response) {
  const std::string_view status = StringAt(response, "status");
  if (status == "incomplete") {
    const auto details = ObjectAt(response, "incomplete_details");
    return FinishFromOpenAi(details ? StringAt(*details, "reason") : std::string_view{});
  }
  if (status != "completed") return FinishReason::kNone;
  const auto output = ArrayAt(response, "output");
  if (!output) return FinishReason::kStop;
  for (const JsonElement item : *output) {
    if (StringAt(item, "type") == "function_call") return FinishReason::kToolCalls;
  }
  return FinishReason::kStop;
}

std::unique_ptr<StreamTranslator> PassResponsesStream(JsonScratch& scratch) {
  return std::make_unique<ResponsesPass>(scratch);
}

}  // namespace podium::gateway::llm
