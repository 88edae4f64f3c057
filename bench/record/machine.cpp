#include "ptychoscale/record/machine.hpp"

#include "ptychoscale/record/job.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
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

/// The number that a variable begins with, as "4" or "4,2"; none for anything below 1.
std::optional<int> number_in(const char* variable) {
  const char* text = std::getenv(variable);
  int value = 0;
  if (text != nullptr) std::from_chars(text, text + std::char_traits<char>::length(text), value);
  return value >= 1 ? std::optional(value) : std::nullopt;
}

int available_cores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1U, std::thread::hardware_concurrency());
}

} // namespace

int online_cores() { return static_cast<int>(std::max(1U, std::thread::hardware_concurrency())); }

Machine this_machine() {
  char host[256] = "unknown";
  gethostname(host, sizeof host - 1);
  return {host, value_in("/proc/cpuinfo", "model name"), available_cores()};
}

std::optional<double> clock_MHz() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return std::nullopt;
  std::ifstream lines("/proc/cpuinfo");
  int core = -1;
  double sum = 0;
  int counted = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;
    if (line.starts_with("processor")) core = std::atoi(line.c_str() + colon + 1);
    if (!line.starts_with("cpu MHz") || core < 0 || core >= CPU_SETSIZE || !CPU_ISSET(core, &set)) continue;
    sum += std::strtod(line.c_str() + colon + 1, nullptr);
    ++counted;
  }
  return counted > 0 ? std::optional(sum / counted) : std::nullopt;
}

std::string core_binding() { return value_in("/proc/self/status", "Cpus_allowed_list"); }

std::optional<int> threads_in_environment() { return number_in("OMP_NUM_THREADS"); }

int default_threads(int ranks_on_host) {
  if (const auto said = threads_in_environment()) return *said;
  // Every rank of a host may be bound to a few cores only, or all of them may share the whole machine.
  const int online = online_cores();
  const auto allocated = number_in("SLURM_CPUS_ON_NODE");
  double host = allocated ? *allocated : lsf_slots(this_machine().host).value_or(online);
  if (const auto quota = cpu_quota()) host = std::min(host, *quota);
  const auto share = static_cast<int>(host / ranks_on_host);
  const int own = std::min(available_cores(), number_in("SLURM_CPUS_PER_TASK").value_or(online));
  return std::max(1, std::min(own, share));
}

} // namespace ptychoscale
