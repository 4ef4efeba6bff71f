// OpenAI, and every server that speaks as it does: vLLM, llama.cpp, Azure.
#include <utility>

#include "gateway/llm/anthropic/messages_request.h"
#include "gateway/llm/openai/chat_reply.h"
#include "gateway/llm/openai/chat_request.h"
#include "gateway/llm/openai/openai_usage.h"
#include "gateway/llm/openai/responses_pass.h"
#include "gateway/llm/openai/responses_request.h"
#include "gateway/llm/provider.h"
#include "gateway/llm/reply_writer.h"
#include "gateway/llm/stream_translators.h"
#include "gateway/llm/upstream_target.h"

namespace podium::gateway::llm {
namespace {

class OpenAiAdapter final : public ProviderAdapter {
 public:
  explicit OpenAiAdapter(JsonScratch& scratch) : scratch_(scratch) {}

  AuthScheme auth(const ProviderOptions& options) const override {
    return options.bearer ? AuthScheme::kBearer : AuthScheme::kApiKey;
  }
  Result<UpstreamCall> Encode(Surface surface, const RequestFields& fields, std::string_view body,
                              std::string_view upstream_model,
                              const ProviderOptions& options) const override;
  Answer Decode(const AnswerTerms& terms, const std::vector<net::HeaderField>& headers,
                std::string_view body) const override;
  std::unique_ptr<StreamTranslator> Translate(AnswerTerms terms) const override;
  UpstreamFailure Classify(int status, const std::vector<net::HeaderField>& headers,
                           std::string_view body) const override {
    return ClassifyAnswer(status, headers, body, scratch_);
  }

 private:
  Status EncodeAsChat(std::string_view body, std::string_view upstream_model,
                      const ProviderOptions& options, UpstreamCall& call) const;
  Answer ReadOwn(const AnswerTerms& terms, JsonElement body) const;

  JsonScratch& scratch_;
};

Status OpenAiAdapter::EncodeAsChat(std::string_view body, std::string_view upstream_model,
                                   const ProviderOptions& options, UpstreamCall& call) const {
  PODIUM_TRY_ASSIGN(const JsonElement root, scratch_.Parse(body));
  const bool messages = call.terms.surface == Surface::kMessages;
  PODIUM_TRY_ASSIGN(const Conversation conversation,
                    messages ? ReadMessagesRequest(root) : ReadResponsesRequest(root));
  if (!messages) call.terms.echo = EchoOf(root);
  AppendChatRequest(conversation, upstream_model,
                    options.legacy_max_tokens ? "max_tokens" : "max_completion_tokens", call.body);
  return {};
}

Result<UpstreamCall> OpenAiAdapter::Encode(Surface surface, const RequestFields& fields,
                                           std::string_view body, std::string_view upstream_model,
                                           const ProviderOptions& options) const {
  UpstreamCall call;
  call.terms = {
      surface, UpstreamApi::kChat, fields.stream, fields.include_usage, fields.received_unix, ""};
  std::string_view endpoint = "/chat/completions";
  if (surface == Surface::kEmbeddings) {
    call.terms.api = UpstreamApi::kEmbeddings;
    call.terms.stream = false;  // There is none of embeddings.
    endpoint = "/embeddings";
  } else if (surface == Surface::kResponses && options.native_responses) {
    call.terms.api = UpstreamApi::kResponses;
    endpoint = "/responses";
  }
  call.headers = JsonHeaders(call.terms.stream);
  const bool as_chat = surface == Surface::kMessages ||
                       (surface == Surface::kResponses && !options.native_responses);
  if (as_chat) {
    PODIUM_TRY(EncodeAsChat(body, upstream_model, options, call));
  } else {
    const bool force_usage = surface == Surface::kChat && fields.stream;
    call.body = SpliceBody(body, fields, upstream_model, force_usage);
  }
  const bool of_deployment = call.terms.api != UpstreamApi::kResponses;
  call.target = TargetOf(options, endpoint, upstream_model, of_deployment);
  return call;
}

/// An answer that goes to the caller as it is: only what has to be known of it.
Answer OpenAiAdapter::ReadOwn(const AnswerTerms& terms, JsonElement body) const {
  Answer answer;
  answer.upstream_id = StringAt(body, "id");
  answer.upstream_model = StringAt(body, "model");
  answer.finish = FinishReason::kStop;
  if (terms.api == UpstreamApi::kResponses) answer.finish = FinishOfResponse(body);
  if (const auto choices = ArrayAt(body, "choices"); choices && choices->size() > 0) {
    answer.finish = FinishFromOpenAi(StringAt(*choices->begin(), "finish_reason"));
  }
  const auto usage = MemberAt(body, "usage");
  const auto read = usage ? ReadOpenAiUsage(*usage) : std::nullopt;
  answer.usage.estimated = !read;
  if (read) answer.usage = *read;
  return answer;
}

/// Whether it is an answer at all: a proxy's `{}` must not be told as one.
bool HasAnswer(UpstreamApi api, JsonElement body) {
  const auto holds = [&](std::string_view key) {
    const auto list = ArrayAt(body, key);
    return list && list->size() > 0;
  };
  if (api == UpstreamApi::kChat) return holds("choices");
  return api != UpstreamApi::kEmbeddings || holds("data");
}

/// Servers behind proxies say 200 to an error. A response keeps its error inside it.
std::optional<UpstreamFailure> OpenAiFailure(JsonElement body) {
  if (StringAt(body, "object") == "response") {
    if (StringAt(body, "status") != "failed") return std::nullopt;
    return ClassifyFrame(body);
  }
  return ArrayAt(body, "choices") ? std::nullopt : FailureIn(body);
}

Answer OpenAiAdapter::Decode(const AnswerTerms& terms, const std::vector<net::HeaderField>& headers,
                             std::string_view body) const {
  const auto root = scratch_.Parse(body);
  if (!root || !root->is_object()) {
    return FailedAnswer(Unreadable("the answer is no JSON object"), headers);
  }
  if (auto failure = OpenAiFailure(*root)) return FailedAnswer(*std::move(failure), headers);
  const bool translated = terms.api == UpstreamApi::kChat && terms.surface != Surface::kChat;
  if (!translated) {
    if (!HasAnswer(terms.api, *root)) {
      return FailedAnswer(Unreadable("an answer without its list"), headers);
    }
    return ReadOwn(terms, *root);
  }
  Result<Reply> reply = ReadChatReply(*root);
  if (!reply) return FailedAnswer(Unreadable(reply.error().message), headers);
  if (reply->created == 0) reply->created = terms.received_unix;
  Answer answer;
  AppendReply(terms, *reply, answer.body.emplace());
  answer.usage = reply->usage;
  answer.finish = reply->finish;
  answer.upstream_id = reply->id;
  answer.upstream_model = reply->model;
  return answer;
}

std::unique_ptr<StreamTranslator> OpenAiAdapter::Translate(AnswerTerms terms) const {
  if (terms.api == UpstreamApi::kResponses) return PassResponsesStream(scratch_);
  if (terms.surface == Surface::kChat) return PassChatStream(std::move(terms), scratch_);
  return RetellChatStream(terms, scratch_);
}

}  // namespace

std::unique_ptr<ProviderAdapter> MakeOpenAiAdapter(JsonScratch& scratch) {
  return std::make_unique<OpenAiAdapter>(scratch);
}

}  // namespace podium::gateway::llm
