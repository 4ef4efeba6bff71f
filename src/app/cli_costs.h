// `podium costs` and `podium price`: what calls have cost, and what they are charged by.
#pragma once

#include "app/cli_traffic.h"

namespace podium::app {

CliStatus RunCosts(CommandContext& context, const CostsArgs& args);
CliStatus RunSetPrice(CommandContext& context, const SetPriceArgs& args);
CliStatus RunListPrices(CommandContext& context, const ListPricesArgs& args);

}  // namespace podium::app
