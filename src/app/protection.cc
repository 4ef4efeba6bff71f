#include "app/protection.h"

#include <utility>

#include "app/guard_options.h"
#include "base/log.h"
#include "runtime/blame.h"

namespace podium::app {

Protection Protect(const Settings& settings, const Clock& clock, std::string stamp) {
  Protection made;
  made.quarantine =
      std::make_shared<runtime::Quarantine>(settings.data_dir / "quarantine.json", clock);
  auto board = runtime::InflightBoard::Open(settings.data_dir / "inflight");
  if (board) {
    made.board = std::move(*board);
    runtime::Judgement judgement = runtime::Judge(made.board->found(), made.quarantine->strikes());
    made.quarantine->SetStrikes(std::move(judgement.strikes));
    for (const runtime::Blame& blame : judgement.blamed) {
      runtime::ForgetProofs(settings.data_dir / "cache" / blame.sha256);
      made.quarantine->Add(blame.sha256, blame.reason);
    }
    made.board->CatchSignals();
  } else {
    LogWarning("models run unmarked: a crash cannot be told from another",
               {{"error", board.error().message}});
  }
  if (const Status saved = made.quarantine->Save(); !saved) {
    LogWarning("the quarantine cannot be saved", {{"error", saved.error().message}});
  }
  runtime::GuardOptions options = GuardOptionsOf(settings);
  options.stamp = std::move(stamp);
  made.guard = std::make_shared<runtime::Guard>(std::move(options), clock, *made.quarantine,
                                                made.board.get());
  return made;
}

void SaveMarks(const Protection& protection) {
  if (const Status saved = protection.quarantine->Save(); !saved) {
    LogWarning("the quarantine cannot be saved", {{"error", saved.error().message}});
  }
  if (protection.board) protection.board->Close();
}

}  // namespace podium::app
