// The connection to the server that an import reads from: kept alive, plain or by TLS.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "app/base_url.h"
#include "app/mlflow_source.h"
#include "base/clock.h"
#include "base/secret.h"

namespace podium::app {

struct SourceAddress {
  BaseUrl url;
  Secret authorization;  ///< A whole header's value; empty: none is sent.
  std::string ca_file;   ///< PEM; empty: whom the system trusts.
  std::chrono::nanoseconds timeout{60'000'000'000};  ///< Of one call.
};

/// Makes the way to a server; ConnectSource unless a test brings its own.
using SourceConnect = std::function<Result<SourceTransport>(const SourceAddress& address)>;

/// Opens nothing yet. kInvalidArgument when the certificates cannot be used. The transport belongs
/// to one thread, and follows no redirects. `clock` outlives it.
Result<SourceTransport> ConnectSource(const SourceAddress& address, const Clock& clock);

}  // namespace podium::app
