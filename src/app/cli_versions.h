// `podium version register|list|get` and `podium audit`.
#pragma once

#include <chrono>
#include <functional>

#include "app/cli_traffic.h"
#include "base/clock.h"

namespace podium::app {

/// Waits; false when the user interrupted. A timer in the binary, nothing in tests.
using CommandPause = std::function<bool(std::chrono::milliseconds)>;

struct Waiting {
  const Clock& clock;
  CommandPause pause;
  std::chrono::nanoseconds timeout;
};

CliStatus RunRegister(CommandContext& context, const RegisterArgs& args, const Waiting& waiting);
CliStatus RunListVersions(CommandContext& context, const ListVersionsArgs& args);
CliStatus RunGetVersion(CommandContext& context, const GetVersionArgs& args);
CliStatus RunAudit(CommandContext& context, const AuditArgs& args);

/// Where the signature of a model file is looked for: x.onnx → x.signature.json.
std::string SignaturePath(const std::string& model_file);

}  // namespace podium::app
