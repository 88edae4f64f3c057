#include "ptychoscale/record/job.hpp"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <utility>
#include <vector>

namespace ptychoscale {
namespace {

std::string value_of(const char* variable) {
  const char* text = std::getenv(variable);
  return text == nullptr ? "" : text;
}

/// "batch5 1 a01n01 42 a01n02 42": hosts and their slots.
std::vector<std::pair<std::string, int>> lsf_hosts() {
  std::istringstream words(value_of("LSB_MCPU_HOSTS"));
  std::vector<std::pair<std::string, int>> hosts;
  std::string host;
  int slots = 0;
  while (words >> host >> slots) hosts.emplace_back(host, slots);
  return hosts;
}

void add_to_list(std::string& list, const std::string& host) {
  if (!list.empty()) list += ",";
  list += host;
}

std::string hosts_of_lsf() {
  std::string list;
  for (const auto& [host, slots] : lsf_hosts()) add_to_list(list, host);
  return list;
}

/// PBS has a file with a line for each slot.
std::string hosts_of_pbs() {
  std::ifstream lines(value_of("PBS_NODEFILE"));
  std::string list;
  std::string last;
  for (std::string host; std::getline(lines, host); last = host)
    if (!host.empty() && host != last) add_to_list(list, host);
  return list;
}

std::string without_domain(const std::string& host) { return host.substr(0, host.find('.')); }

} // namespace

std::optional<Job> batch_job() {
  if (const auto id = value_of("SLURM_JOB_ID"); !id.empty())
    return Job{"Slurm", id, value_of("SLURM_JOB_NODELIST")};
  if (const auto id = value_of("LSB_JOBID"); !id.empty()) return Job{"LSF", id, hosts_of_lsf()};
  if (const auto id = value_of("PBS_JOBID"); !id.empty()) return Job{"PBS", id, hosts_of_pbs()};
  if (const auto id = value_of("FLUX_JOB_ID"); !id.empty()) return Job{"Flux", id, ""};
  return std::nullopt;
}

std::optional<int> lsf_slots(const std::string& host) {
  for (const auto& [name, slots] : lsf_hosts())
    if (without_domain(name) == without_domain(host) && slots > 0) return slots;
  return std::nullopt;
}

} // namespace ptychoscale
