// The verbs that move live traffic or change a version: promote, activate, retire, delete, canary,
// rollback. Each ends with one sentence that says what happened and how to undo it.
#pragma once

#include "app/cli_api.h"
#include "app/cli_args.h"
#include "app/cli_console.h"

namespace podium::app {

struct CommandContext {
  Api& api;
  Console& console;
  OutputFormat format = OutputFormat::kTable;
  std::string reason;
  bool yes = false;
};

CliStatus RunChangeVersion(CommandContext& context, const ChangeVersionArgs& args);
CliStatus RunCanary(CommandContext& context, const CanaryArgs& args);
CliStatus RunRollback(CommandContext& context, const RollbackArgs& args);

/// What a mutation's answer says happened: "tumour: v1 → v2 is primary (generation 7). Undo: ...".
std::string DescribeChange(const Json& answer);

}  // namespace podium::app
