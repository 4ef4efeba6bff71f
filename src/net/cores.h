// How many cores this process may use.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace podium::net {

/// The quota of a cgroup v2 `cpu.max` ("200000 100000" is 2), rounded up; nullopt without one.
std::optional<std::size_t> ParseCpuMax(std::string_view text);
/// This process's cgroup v2 ("/system.slice/podium.service") out of /proc/self/cgroup.
std::optional<std::string> CgroupV2Path(std::string_view proc_self_cgroup);

/// min(affinity, cgroup quota), at least 1.
std::size_t AvailableCores();

}  // namespace podium::net
