#include "telemetry/span.h"

namespace podium::telemetry {
namespace {

bool ContinuesCharacter(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

}  // namespace

void SpanText::Assign(std::string_view text) {
  size_ = std::min(text.size(), bytes_.size());
  if (size_ < text.size()) {
    while (size_ > 0 && ContinuesCharacter(text[size_])) --size_;
  }
  text.copy(bytes_.data(), size_);
}

void Span::Clear() {
  static_cast<SpanFacts&>(*this) = {};
  for (SpanText* text :
       {&route, &version, &request_model, &response_model, &provider, &server_address}) {
    text->Clear();
  }
}

}  // namespace podium::telemetry
