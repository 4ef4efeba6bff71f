#include "net/cores.h"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>

namespace podium::net {
namespace {

std::optional<std::uint64_t> TakeNumber(std::string_view& text) {
  std::uint64_t number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
  return number;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// The smallest quota between this process's cgroup and the root, since each of them binds.
std::optional<std::size_t> CgroupQuota() {
  std::optional<std::size_t> smallest;
  std::string group = CgroupV2Path(ReadFile("/proc/self/cgroup")).value_or("/");
  for (;;) {
    const auto quota = ParseCpuMax(ReadFile("/sys/fs/cgroup" + group + "/cpu.max"));
    if (quota) smallest = std::min(*quota, smallest.value_or(*quota));
    if (group.size() <= 1) return smallest;
    group.resize(group.rfind('/'));
  }
}

}  // namespace

std::optional<std::size_t> ParseCpuMax(std::string_view text) {
  const auto quota = TakeNumber(text);
  if (!quota || *quota == 0 || !text.starts_with(' ')) return std::nullopt;
  text.remove_prefix(1);
  const auto period = TakeNumber(text);
  if (!period || *period == 0 || (!text.empty() && text != "\n")) return std::nullopt;
  return static_cast<std::size_t>((*quota - 1) / *period + 1);
}

std::optional<std::string> CgroupV2Path(std::string_view proc_self_cgroup) {
  while (!proc_self_cgroup.empty()) {
    const std::string_view line = proc_self_cgroup.substr(0, proc_self_cgroup.find('\n'));
    if (line.starts_with("0::/")) return std::string(line.substr(3));
    proc_self_cgroup.remove_prefix(std::min(line.size() + 1, proc_self_cgroup.size()));
  }
  return std::nullopt;
}

std::size_t AvailableCores() {
  std::size_t cores = 1;
  cpu_set_t affinity;
  CPU_ZERO(&affinity);
  if (sched_getaffinity(0, sizeof(affinity), &affinity) == 0) {
    cores = static_cast<std::size_t>(std::max(1, CPU_COUNT(&affinity)));
  }
  return std::min(cores, CgroupQuota().value_or(cores));
}

}  // namespace podium::net
