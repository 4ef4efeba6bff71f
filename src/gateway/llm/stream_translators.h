// The translators of streams, by what the provider speaks. Private to the adapters.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/llm/json_scratch.h"
#include "gateway/llm/provider.h"

namespace podium::gateway::llm {

/// Whether a frame that is like one before, but for its text, is parsed all the same. What comes of
/// it is the same; tests compare the two.
enum class FrameReading : std::uint8_t { kByPattern, kEachWhole };

// The caller speaks what the provider speaks: frames pass through as they are, but for what
// has to change.
std::unique_ptr<StreamTranslator> PassChatStream(AnswerTerms terms, JsonScratch& scratch,
                                                 FrameReading reading = FrameReading::kByPattern);
std::unique_ptr<StreamTranslator> PassResponsesStream(JsonScratch& scratch);
std::unique_ptr<StreamTranslator> PassMessagesStream(JsonScratch& scratch);

// The caller speaks another format: MakeReplyWriter tells it.
std::unique_ptr<StreamTranslator> RetellChatStream(const AnswerTerms& terms, JsonScratch& scratch);
std::unique_ptr<StreamTranslator> RetellMessagesStream(const AnswerTerms& terms,
                                                       JsonScratch& scratch);

/// `json` with the value of a member of the whole object replaced; as it is when there is none.
/// REQUIRES: `json` is a JSON object.
std::string WithMember(std::string_view json, std::string_view key, std::string_view value);

}  // namespace podium::gateway::llm
