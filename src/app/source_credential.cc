#include "app/source_credential.h"

#include <array>
#include <cstdint>
#include <utility>

namespace podium::app {
namespace {

std::string MlflowVariable(const Environment& environment, const char* name) {
  const auto found = environment.find(name);
  return found == environment.end() ? "" : found->second;
}

Secret BasicCredential(const std::string& username, const std::string& password) {
  return Secret("Basic " + Base64Of(username + ":" + password));
}

}  // namespace

std::string Base64Of(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::string_view group = bytes.substr(at, 3);
    std::array<std::uint32_t, 3> octets{};
    for (std::size_t i = 0; i < group.size(); ++i) octets[i] = static_cast<unsigned char>(group[i]);
    const std::uint32_t bits = octets[0] << 16 | octets[1] << 8 | octets[2];
    text += kDigits[bits >> 18];
    text += kDigits[bits >> 12 & 63];
    text += group.size() > 1 ? kDigits[bits >> 6 & 63] : '=';
    text += group.size() > 2 ? kDigits[bits & 63] : '=';
  }
  return text;
}

CliResult<Secret> SourceAuthorization(const ImportArgs& args, const Environment& environment) {
  if (!args.token.empty() && (!args.username.empty() || !args.password.empty())) {
    return UsageError("--token and --username are two ways to sign in: leave one out");
  }
  if (!args.token.empty()) return Secret("Bearer " + args.token);
  std::string username = args.username;
  std::string password = args.password;
  if (username.empty()) username = MlflowVariable(environment, "MLFLOW_TRACKING_USERNAME");
  if (password.empty()) password = MlflowVariable(environment, "MLFLOW_TRACKING_PASSWORD");
  if (!username.empty() && (!password.empty() || !args.username.empty())) {
    if (password.empty()) {
      return UsageError("--username needs a password",
                        "set MLFLOW_TRACKING_PASSWORD, which nobody sees in the list of "
                        "processes, or --password");
    }
    // RFC 7617: what stands before the first colon is the name.
    if (username.find(':') != std::string::npos) {
      return UsageError("a username cannot hold a colon");
    }
    return BasicCredential(username, password);
  }
  if (!args.password.empty()) return UsageError("--password needs --username");
  const std::string token = MlflowVariable(environment, "MLFLOW_TRACKING_TOKEN");
  return token.empty() ? Secret() : Secret("Bearer " + token);
}

}  // namespace podium::app
