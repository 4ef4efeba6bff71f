// A rule that blames too little lets one model end the server again and again; one that blames too
// much takes good models out of service because somebody pulled the plug.
#include "runtime/blame.h"

#include <gtest/gtest.h>

#include <csignal>

namespace podium::runtime {
namespace {

const std::string kShaA(64, 'a');
const std::string kShaB(64, 'b');

Trail Died(std::vector<Trace> traces, int stray_signal = 0) {
  return {true, stray_signal, std::move(traces)};
}

std::vector<std::string> Blamed(const Judgement& judgement) {
  std::vector<std::string> all;
  for (const Blame& blame : judgement.blamed) all.push_back(blame.sha256 + ' ' + blame.reason);
  return all;
}

TEST(Judge, TheRule) {
  struct Case {
    const char* name;
    Trail trail;
    Strikes before;
    std::vector<std::string> blamed;
    Strikes after;
  };
  const std::string killed =
      " each of the last 3 times that the server was killed, as the system does when memory runs "
      "out";
  const Case cases[] = {
      {"an orderly end takes all strikes away", {false, 0, {}}, {{kShaA, 2}}, {}, {}},
      {"an orderly end with marks of a layout that was not ours",
       {false, SIGSEGV, {{kShaA, Phase::kLoad, 0, SIGSEGV}}},
       {},
       {},
       {}},
      {"a signal while loading",
       Died({{kShaA, Phase::kLoad, 0, SIGSEGV}}),
       {},
       {kShaA + " crashed the server with SIGSEGV while loading"},
       {}},
      {"a signal while warming up",
       Died({{kShaA, Phase::kWarmUp, 0, SIGABRT}}),
       {},
       {kShaA + " crashed the server with SIGABRT while warming up"},
       {}},
      {"a signal on probation",
       Died({{kShaA, Phase::kInference, 17, SIGFPE}}),
       {},
       {kShaA + " crashed the server with SIGFPE in inference 17"},
       {}},
      {"a signal long after",
       Died({{kShaA, Phase::kProven, 0, SIGILL}}),
       {},
       {kShaA + " crashed the server with SIGILL in an inference"},
       {}},
      {"a signal elsewhere: the models beside it did nothing",
       Died({{kShaA, Phase::kLoad, 0, 0}}, SIGSEGV),
       {{kShaA, 2}},
       {},
       {}},
      {"a signal in one model: the other is innocent",
       Died({{kShaA, Phase::kLoad, 0, 0}, {kShaB, Phase::kProven, 0, SIGBUS}}),
       {},
       {kShaB + " crashed the server with SIGBUS in an inference"},
       {}},
      {"two threads hit in one model: one blame",
       Died({{kShaA, Phase::kProven, 0, SIGSEGV}, {kShaA, Phase::kProven, 0, SIGSEGV}}),
       {},
       {kShaA + " crashed the server with SIGSEGV in an inference"},
       {}},
      {"kill -9 once", Died({{kShaA, Phase::kLoad, 0, 0}}), {}, {}, {{kShaA, 1}}},
      {"kill -9 twice", Died({{kShaA, Phase::kWarmUp, 0, 0}}), {{kShaA, 1}}, {}, {{kShaA, 2}}},
      {"kill -9 three times",
       Died({{kShaA, Phase::kInference, 5, 0}}),
       {{kShaA, 2}},
       {kShaA + " was in use in inference 5" + killed},
       {}},
      {"kill -9 under load never blames a proven model",
       Died({{kShaA, Phase::kProven, 0, 0}}),
       {{kShaA, 2}},
       {},
       {}},
      {"kill -9 while another is loading takes the strikes of the first away",
       Died({{kShaB, Phase::kLoad, 0, 0}}),
       {{kShaA, 2}},
       {},
       {{kShaB, 1}}},
      {"loaded by two threads is one strike",
       Died({{kShaA, Phase::kLoad, 0, 0}, {kShaA, Phase::kLoad, 0, 0}}),
       {},
       {},
       {{kShaA, 1}}},
      {"kill -9 of an idle server", Died({}), {{kShaA, 2}}, {}, {}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Judgement judgement = Judge(c.trail, c.before);
    EXPECT_EQ(Blamed(judgement), c.blamed);
    EXPECT_EQ(judgement.strikes, c.after);
  }
}

}  // namespace
}  // namespace podium::runtime
