#include "gateway/challenged_call.h"

#include <utility>

#include "base/limits.h"

namespace podium::gateway {
namespace {

Task<void> LogLater(predictions::CoreLog& log, std::shared_ptr<ChallengedCall> both,
                    std::unique_ptr<predictions::Record> record, bool with_answer) {
  auto wait = both->AwaitEnd(limits::kChallengerPatience);
  co_await std::move(wait);
  both->Fill(*record, with_answer);
  log.Offer(std::move(record));
}

}  // namespace

void LogChallenged(const GatewayCore& core, std::shared_ptr<ChallengedCall> both,
                   std::unique_ptr<predictions::Record> record, bool with_answer) {
  if (!both->ended() && core.shared.spawn) {
    core.shared.spawn(core.index,
                      LogLater(*core.predictions, std::move(both), std::move(record), with_answer));
    return;
  }
  both->Fill(*record, with_answer);
  core.predictions->Offer(std::move(record));
}

}  // namespace podium::gateway
