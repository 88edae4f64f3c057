#include "ptychoscale/record/machine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <sched.h>
#include <thread>
#include <unistd.h>

namespace ptychoscale {
namespace {

std::string value_in(const char* file, std::string_view key) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(key)) continue;
    const auto value = line.find_first_not_of(" \t", line.find(':') + 1);
    return value == std::string::npos ? std::string() : line.substr(value);
  }
  return "unknown";
}

int available_cores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1U, std::thread::hardware_concurrency());
}

} // namespace

Machine this_machine() {
  char host[256] = "unknown";
  gethostname(host, sizeof host - 1);
  return {host, value_in("/proc/cpuinfo", "model name"), available_cores()};
}

std::string core_binding() { return value_in("/proc/self/status", "Cpus_allowed_list"); }

int default_threads(int ranks_on_host) {
  // Every rank of a host may be bound to a few cores only, or all of them may share the whole machine.
  const auto online = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  return std::max(1, std::min(available_cores(), online / ranks_on_host));
}

} // namespace ptychoscale
