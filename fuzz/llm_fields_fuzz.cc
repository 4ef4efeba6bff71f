// Any bytes as the body of an LLM call: refused as the caller's mistake, or read as a strict parser
// reads them; and what is sent on is the same body with another model. And any bytes as the
// arguments of a tool: an object to IsJsonObject is one to a strict parser.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/json.h"
#include "gateway/llm/json_syntax.h"
#include "gateway/llm/request_fields.h"
#include "padded_body.h"

namespace {

using podium::PaddedBody;
using podium::gateway::llm::FieldScanner;
using podium::gateway::llm::RequestFields;
using podium::gateway::llm::SpliceBody;
using podium::gateway::llm::Surface;

constexpr std::size_t kMaxBody = 1 << 16;
constexpr std::string_view kUpstream = "up\"stream";

void CheckSplice(std::string_view body, const RequestFields& fields, FieldScanner& scanner) {
  const std::string spliced = SpliceBody(body, fields, kUpstream, /*force_usage=*/true);
  auto before = podium::ParseJson(body);
  if (!before) return;  // What is not read is not validated.
  PODIUM_ASSERT((*before)["model"] == fields.model);
  auto after = podium::ParseJson(spliced);
  PODIUM_ASSERT(after.has_value());
  PODIUM_ASSERT((*after)["model"] == kUpstream);
  PODIUM_ASSERT((*after)["stream_options"]["include_usage"] == true);
  // All else is as it was.
  for (podium::Json* json : {&*before, &*after}) {
    json->erase("model");
    json->erase("stream_options");
  }
  PODIUM_ASSERT(*before == *after);
  const PaddedBody again(spliced);
  const auto read = scanner.Scan(Surface::kChat, again.view());
  PODIUM_ASSERT(read.has_value() && read->model == kUpstream && read->include_usage);
}

void CheckSyntax(std::string_view text) {
  const bool object = podium::gateway::llm::IsJsonObject(text);
  const auto parsed = podium::ParseJson(text);
  if (parsed) {
    PODIUM_ASSERT(object == parsed->is_object());
    return;
  }
  // Double keys and numbers past a double are the other side's affair.
  const std::string& why = parsed.error().message;
  PODIUM_ASSERT(!object || why.find("duplicate key") != std::string::npos ||
                why.find("number") != std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 || size > kMaxBody) return 0;
  const auto surface = static_cast<Surface>(data[0] % podium::gateway::llm::kSurfaceCount);
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  CheckSyntax(text);
  const PaddedBody body(text);
  FieldScanner scanner;
  const auto fields = scanner.Scan(surface, body.view());
  if (!fields) {
    PODIUM_ASSERT(fields.error().code == podium::ErrorCode::kInvalidArgument);
    PODIUM_ASSERT(!fields.error().message.empty());
    return 0;
  }
  PODIUM_ASSERT(!fields->model.empty() && fields->choices >= 1);
  if (surface == Surface::kChat) CheckSplice(body.view(), *fields, scanner);
  return 0;
}
