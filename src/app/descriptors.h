// How many connections this process can hold: what the system grants, shared out among the cores.
#pragma once

#include <cstddef>

namespace podium::app {

/// Raises the soft limit of open files to the hard one; returns what holds afterwards.
std::size_t RaiseDescriptorLimit();

/// Pure: at most limits::kMaxConnectionsPerCore, and such that all cores together leave
/// limits::kReservedDescriptors to everything else; at least 1, however little is granted.
/// A connection above it is told so (503), instead of waiting unseen in the kernel's queue.
std::size_t ConnectionsPerCore(std::size_t descriptors, std::size_t cores);

}  // namespace podium::app
