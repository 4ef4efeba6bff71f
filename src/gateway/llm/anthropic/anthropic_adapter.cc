// Anthropic's Messages.
#include <utility>

#include "gateway/llm/anthropic/messages_reply.h"
#include "gateway/llm/anthropic/messages_request.h"
#include "gateway/llm/openai/chat_request.h"
#include "gateway/llm/openai/responses_request.h"
#include "gateway/llm/provider.h"
#include "gateway/llm/reply_writer.h"
#include "gateway/llm/stream_translators.h"
#include "gateway/llm/upstream_target.h"

namespace podium::gateway::llm {
namespace {

class AnthropicAdapter final : public ProviderAdapter {
 public:
  explicit AnthropicAdapter(JsonScratch& scratch) : scratch_(scratch) {}

  AuthScheme auth(const ProviderOptions& options) const override {
    (void)options;
    return AuthScheme::kXApiKey;
  }
  Result<UpstreamCall> Encode(Surface surface, const RequestFields& fields, std::string_view body,
                              std::string_view upstream_model,
                              const ProviderOptions& options) const override;
  Answer Decode(const AnswerTerms& terms, const std::vector<net::HeaderField>& headers,
                std::string_view body) const override;
  std::unique_ptr<StreamTranslator> Translate(AnswerTerms terms) const override {
    if (terms.surface == Surface::kMessages) return PassMessagesStream(scratch_);
    return RetellMessagesStream(terms, scratch_);
  }
  UpstreamFailure Classify(int status, const std::vector<net::HeaderField>& headers,
                           std::string_view body) const override {
    return ClassifyAnswer(status, headers, body, scratch_);
  }

 private:
  Status EncodeAsMessages(std::string_view body, std::string_view upstream_model,
                          const ProviderOptions& options, UpstreamCall& call) const;

  JsonScratch& scratch_;
};

Status AnthropicAdapter::EncodeAsMessages(std::string_view body, std::string_view upstream_model,
                                          const ProviderOptions& options,
                                          UpstreamCall& call) const {
  PODIUM_TRY_ASSIGN(const JsonElement root, scratch_.Parse(body));
  const bool chat = call.terms.surface == Surface::kChat;
  PODIUM_TRY_ASSIGN(const Conversation conversation,
                    chat ? ReadChatRequest(root) : ReadResponsesRequest(root));
  if (!chat) call.terms.echo = EchoOf(root);
  return AppendMessagesRequest(conversation, upstream_model, options.default_max_tokens, call.body);
}

Result<UpstreamCall> AnthropicAdapter::Encode(Surface surface, const RequestFields& fields,
                                              std::string_view body,
                                              std::string_view upstream_model,
                                              const ProviderOptions& options) const {
  if (surface == Surface::kEmbeddings) return Unsupported("model", "it makes no embeddings");
  UpstreamCall call;
  call.terms = {
      surface, UpstreamApi::kMessages, fields.stream, fields.include_usage, fields.received_unix,
      ""};
  call.headers = JsonHeaders(fields.stream);
  call.headers.emplace_back("anthropic-version", options.anthropic_version);
  call.target = TargetOf(options, "/messages", upstream_model, /*of_deployment=*/false);
  if (surface == Surface::kMessages) {
    call.body = SpliceBody(body, fields, upstream_model, /*force_usage=*/false);
  } else {
    PODIUM_TRY(EncodeAsMessages(body, upstream_model, options, call));
  }
  return call;
}

Answer AnthropicAdapter::Decode(const AnswerTerms& terms,
                                const std::vector<net::HeaderField>& headers,
                                std::string_view body) const {
  const auto root = scratch_.Parse(body);
  if (!root || !root->is_object()) {
    return FailedAnswer(Unreadable("the answer is no JSON object"), headers);
  }
  if (auto failure = FailureIn(*root)) return FailedAnswer(*std::move(failure), headers);
  Result<Reply> reply = ReadMessagesReply(*root);
  if (!reply) return FailedAnswer(Unreadable(reply.error().message), headers);
  reply->created = terms.received_unix;
  Answer answer;
  if (terms.surface != Surface::kMessages) AppendReply(terms, *reply, answer.body.emplace());
  answer.usage = reply->usage;
  answer.finish = reply->finish;
  answer.upstream_id = reply->id;
  answer.upstream_model = reply->model;
  return answer;
}

}  // namespace

std::unique_ptr<ProviderAdapter> MakeAnthropicAdapter(JsonScratch& scratch) {
  return std::make_unique<AnthropicAdapter>(scratch);
}

}  // namespace podium::gateway::llm
