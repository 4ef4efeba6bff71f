#include "gateway/llm/openai/delta_pattern.h"

#include <simdjson.h>

namespace podium::gateway::llm {
namespace {

// A provider that puts something new into each frame is not asked for a pattern for ever.
constexpr int kMostLearnedInVain = 4;
// Of a frame without its text; each stream keeps as much.
constexpr std::size_t kMostFrameBytes = 2 * 1024;

/// Inside of a JSON string in which each byte stands for itself.
bool IsPlainText(std::string_view text) {
  unsigned char all = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\' || byte < 0x20) return false;
    all |= byte;
  }
  return all < 0x80 || simdjson::validate_utf8(text.data(), text.size());
}

/// Where in `frame` the quote is that opens the text; nullopt where there is none.
std::optional<std::size_t> TextBegin(std::string_view frame) {
  namespace od = simdjson::ondemand;
  const simdjson::padded_string padded(frame);
  od::parser parser;
  od::document document;
  od::value content;
  if (parser.iterate(padded).get(document) != simdjson::SUCCESS) return std::nullopt;
  const auto found = document["choices"].at(0)["delta"]["content"].get(content);
  if (found != simdjson::SUCCESS) return std::nullopt;
  const std::string_view token = content.raw_json_token();
  if (!token.starts_with('"')) return std::nullopt;
  return static_cast<std::size_t>(token.data() - padded.data());
}

}  // namespace

bool DeltaPattern::Fits(std::string_view frame) const {
  return !before_.empty() && frame.size() >= before_.size() + after_.size() &&
         frame.starts_with(before_) && frame.ends_with(after_);
}

bool DeltaPattern::Learn(std::string_view frame, std::size_t text_bytes) {
  if (learned_in_vain_ == kMostLearnedInVain) return false;
  // An escape may stand in the text, and then its like is known; or hide a name from who compares
  // bytes. A line end is for those who look for it.
  for (const char c : {'\\', '\n', '\r'}) {
    if (frame.find(c) != std::string_view::npos) return false;
  }
  ++learned_in_vain_;
  if (frame.size() > kMostFrameBytes + text_bytes) return false;
  const std::optional<std::size_t> begin = TextBegin(frame);
  if (!begin) return false;
  const std::size_t end = *begin + 1 + text_bytes;
  const bool plain =
      end < frame.size() && frame[end] == '"' && IsPlainText(frame.substr(*begin + 1, text_bytes));
  if (!plain) return false;
  before_.assign(frame.substr(0, *begin + 1));
  after_.assign(frame.substr(end));
  return true;
}

std::optional<std::string_view> DeltaPattern::Match(std::string_view frame) {
  if (!Fits(frame)) return std::nullopt;
  const std::string_view text =
      frame.substr(before_.size(), frame.size() - before_.size() - after_.size());
  if (!IsPlainText(text)) return std::nullopt;
  learned_in_vain_ = 0;
  return text;
}

}  // namespace podium::gateway::llm
