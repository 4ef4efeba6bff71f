// Sends a model file to the server, with a bar on a terminal.
#pragma once

#include <string>

#include "app/cli_api.h"
#include "app/cli_console.h"

namespace podium::app {

/// POST /api/v1/artifacts: {artifact_uri, sha256, bytes}. The checksum goes along, so that bytes
/// that changed on the way are refused.
CliResult<Json> UploadFile(Api& api, Console& console, const std::string& path);

/// Content of a small file; kTooLarge above `limit`. "-" is standard input.
Result<std::string> ReadSmallFile(const std::string& path, std::size_t limit);

/// "[=====>    ]  52 %  1.2 MiB" for a bar of fixed width.
std::string ProgressBar(std::uint64_t done, std::uint64_t whole);

}  // namespace podium::app
