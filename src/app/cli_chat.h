// `podium chat`: a conversation with a route, and who answered each question.
#pragma once

#include "app/cli_traffic.h"
#include "base/clock.h"

namespace podium::app {

struct ChatSeat {
  const Clock& clock;
  bool dim = false;  ///< stderr is a terminal that shows less important lines paler.
};

/// One question when it is given or piped in; else a question a line until /exit or the input's
/// end. The answer goes to stdout as it comes, all else to stderr. A cut answer is kFailed.
CliStatus RunChat(CommandContext& context, const ChatArgs& args, const ChatSeat& seat);

}  // namespace podium::app
