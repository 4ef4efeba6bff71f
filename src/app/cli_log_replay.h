// `podium log replay`: logged requests sent again, to a version by its name, and what differs.
#pragma once

#include <string>

#include "app/cli_log_args.h"
#include "app/cli_traffic.h"

namespace podium::app {

/// How two answers to the same request differ. Who answered is not compared.
struct AnswerDifference {
  bool same = false;   ///< To within 1e-9 of each number's size.
  double largest = 0;  ///< Between two numbers at the same place.
  std::string first;   ///< JSON pointer to the first place that differs; empty when none does.
};
AnswerDifference CompareAnswers(const Json& before, const Json& after);

CliStatus ReplayLog(CommandContext& context, const LogArgs& args);

}  // namespace podium::app
