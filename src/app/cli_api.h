// The server as the commands see it: one call, one JSON answer or one CliError.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/cli_exit.h"
#include "base/json.h"
#include "base/result.h"
#include "base/secret.h"
#include "net/http_client.h"

namespace podium::app {

/// net::SendBlocking, or a fake in tests.
using Transport = std::function<Result<net::ClientResponse>(net::ClientRequest)>;

struct ApiAnswer {
  Json body;
  net::HeaderList headers;

  std::string Header(std::string_view name) const;  ///< Empty when absent.
};

class Api {
 public:
  struct Options {
    std::string server;  ///< As shown in messages.
    Secret token;        ///< Sent as a bearer token unless empty.
    std::string person;  ///< On whose behalf: X-Podium-Actor unless empty.
    std::chrono::nanoseconds timeout = std::chrono::minutes(2);
  };
  Api(Options options, Transport transport);

  const std::string& server() const { return options_.server; }

  CliResult<ApiAnswer> Get(std::string target);
  /// Mutations. `revision` is sent as If-Match.
  CliResult<ApiAnswer> Change(net::HttpMethod method, std::string target, const Json& body,
                              std::optional<std::int64_t> revision = std::nullopt);
  /// Any request with headers of its own; adds what all have.
  CliResult<ApiAnswer> Send(net::ClientRequest request);
  /// The items of all pages, at most `most`.
  CliResult<Json> List(const std::string& target, std::size_t most);

 private:
  Options options_;
  Transport transport_;
};

/// "/api/v1/versions" + "/" + a name, percent-encoded.
std::string ApiPath(std::string_view collection, std::string_view name, std::string_view verb = {});
/// `target` with one more query parameter; nothing is added for an empty value.
std::string WithQuery(std::string target, std::string_view name, std::string_view value);

// Fields of an answer; null, absent and of another type are all the empty value.
std::string TextOf(const Json& object, const char* key);
double NumberOf(const Json& object, const char* key);
std::uint64_t CountOf(const Json& object, const char* key);
const Json& MemberOf(const Json& object, const char* key);  ///< Null when absent.

}  // namespace podium::app
