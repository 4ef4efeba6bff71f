#include "gateway/llm/provider.h"

#include <utility>

namespace podium::gateway::llm {

Status StreamTranslator::FailWith(UpstreamFailure failure) {
  progress_.failure = std::move(failure);
  return Fail(CallErrorOf(*progress_.failure).error);
}

Answer FailedAnswer(UpstreamFailure failure, const std::vector<net::HeaderField>& headers) {
  TakeAdvice(headers, failure);
  Answer answer;
  answer.failure = std::move(failure);
  return answer;
}

}  // namespace podium::gateway::llm
