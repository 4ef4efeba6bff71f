#include "gateway/llm/provider.h"

#include <utility>

namespace podium::gateway::llm {

Status StreamTranslator::FailWith(UpstreamFailure failure) {
  progress_.failure = std::move(failure);
  return Fail(CallErrorOf(*progress_.failure).error);
}

}  // namespace podium::gateway::llm
