#include "app/cli_rollout_args.h"

namespace podium::app {

void AddRolloutEvidenceOptions(CLI::App& verb, RolloutEvidenceArgs& args) {
  verb.add_option("-f,--file", args.file, "a file with them; - is standard input")
      ->option_text("FILE")
      ->required();
}

}  // namespace podium::app
