// Which models are to blame for the end of the process before this one.
//
// Pure. The rule, in full:
//   1. A fatal signal was noted on a thread that was in a model: that model, in any phase.
//   2. A fatal signal was noted on a thread that was in none: nobody; the fault is ours.
//   3. No signal was noted (SIGKILL by a person or by the system for lack of memory, power): every
//      model that was being loaded, warmed up or in its first inferences gets a strike; the third
//      in a row is blame. One death proves nothing, since nobody says who sent it; a server that
//      dies of the same model each time it starts gets out of that circle. A model with a record of
//      inferences gets no strike: under load one is always in flight.
//   4. A death at which a model was not in use takes its strikes away, and an orderly end those of
//      all.
#pragma once

#include <string>
#include <vector>

#include "runtime/inflight_board.h"
#include "runtime/quarantine.h"

namespace podium::runtime {

inline constexpr int kStrikesToBlame = 3;

struct Blame {
  std::string sha256;
  std::string reason;  ///< "crashed the server with SIGSEGV in inference 17"
};
struct Judgement {
  std::vector<Blame> blamed;  ///< Each artifact once.
  Strikes strikes;            ///< From now on.
};
Judgement Judge(const Trail& trail, const Strikes& strikes);

}  // namespace podium::runtime
