#include "app/descriptors.h"

#include <sys/resource.h>

#include <algorithm>

#include "base/assert.h"
#include "base/limits.h"

namespace podium::app {

std::size_t RaiseDescriptorLimit() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return 1024;  // What every Linux grants.
  const rlim_t before = files.rlim_cur;
  files.rlim_cur = files.rlim_max;
  // Refused where the hard limit is above the kernel's own: then what was granted stays.
  if (::setrlimit(RLIMIT_NOFILE, &files) != 0) files.rlim_cur = before;
  return files.rlim_cur;
}

std::size_t ConnectionsPerCore(std::size_t descriptors, std::size_t cores) {
  PODIUM_ASSERT(cores > 0);
  const std::size_t free = descriptors - std::min(descriptors, limits::kReservedDescriptors);
  return std::clamp<std::size_t>(free / cores, 1, limits::kMaxConnectionsPerCore);
}

}  // namespace podium::app
