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

/// How people call the versions that a change is about: "tumour@1", or the id when that is all that
/// is known; "nothing" for none.
struct ChangeNames {
  std::string from;
  std::string to;
};

/// What a mutation's answer says happened, in one sentence that ends with the way back.
std::string DescribeChange(const Json& answer, const ChangeNames& names);

}  // namespace podium::app
