// One Prometheus scrape of this process.
#pragma once

#include <string>

#include "control/admin/context.h"

namespace podium::control {

std::string ScrapeText(const AdminContext& context);

}  // namespace podium::control
