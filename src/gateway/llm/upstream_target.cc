#include "gateway/llm/upstream_target.h"

namespace podium::gateway::llm {
namespace {

bool IsUnreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

}  // namespace

std::string PercentEncoded(std::string_view text) {
  // As segments these two would climb out of the path.
  if (text == ".") return "%2E";
  if (text == "..") return "%2E%2E";
  std::string out;
  for (const char c : text) {
    if (IsUnreserved(c)) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::string TargetOf(const ProviderOptions& options, std::string_view endpoint,
                     std::string_view model, bool of_deployment) {
  std::string out = options.base_path;
  if (options.azure_paths) {
    // Azure's own base URL is written with and without it.
    if (!out.ends_with("/openai")) out += "/openai";
    if (of_deployment) out += "/deployments/" + PercentEncoded(model);
  }
  out += endpoint;
  if (!options.api_version.empty()) out += "?api-version=" + PercentEncoded(options.api_version);
  return out;
}

HeaderList JsonHeaders(bool stream) {
  HeaderList headers;
  headers.reserve(8);  // With what the provider and the flow add.
  headers.emplace_back("Content-Type", "application/json");
  headers.emplace_back("Accept", stream ? "text/event-stream" : "application/json");
  return headers;
}

}  // namespace podium::gateway::llm
