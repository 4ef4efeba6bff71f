// `podium demo`: a server, two real routes, a canary by hand on one and a rollout on the other,
// real traffic, and a view of it.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "app/demo_examples.h"
#include "app/settings.h"
#include "base/clock.h"

namespace podium::app {

/// Requests per second over all routes: 1,000 of them are the rollout's.
inline constexpr double kDemoRate = 1'250;
inline constexpr double kDemoMaxRate = 10'000;  ///< What --rate may ask for at most.

struct DemoOptions {
  Settings settings;
  bool listen_chosen = false;  ///< An address was asked for: a taken port is then an error.
  bool data_chosen = false;    ///< --data was given: used as it is and kept.
  bool keep = false;           ///< Leave the temporary directory behind.
  double rate = kDemoRate;     ///< Requests per second; 0 < rate <= kDemoMaxRate.
  DemoCandidate candidate = DemoCandidate::kBetter;   ///< Of the rollout.
  std::optional<std::chrono::milliseconds> duration;  ///< Without it: until Ctrl-C.
  bool shuffle_labels = false;     ///< Compares with wrong labels: the accuracy shown must fall.
  std::string program = "podium";  ///< argv[0], for the commands that are printed.
  SteadyTime started;              ///< When main began; "first request after ..." counts from here.
};

/// Runs until Ctrl-C, SIGTERM or the end of `duration` and returns the exit code: 0 then, 1 when it
/// could not start, 2 when an option makes no sense; the reason is on stderr.
/// Prints to stdout, which may be a terminal (a view redrawn in place) or not (a line per route
/// each 5 s). Threads: called once, from main's thread, which handles no signals itself.
int RunDemo(const DemoOptions& options);

}  // namespace podium::app
