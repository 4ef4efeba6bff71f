// `podium replica list` and `podium events`: who serves from the registry, and what happens to it.
#pragma once

#include "app/cli_status.h"
#include "app/cli_traffic.h"

namespace podium::app {

CliStatus RunListReplicas(CommandContext& context, const ListReplicasArgs& args);
CliStatus RunEvents(CommandContext& context, const EventsArgs& args, const Waiting& waiting);

}  // namespace podium::app
