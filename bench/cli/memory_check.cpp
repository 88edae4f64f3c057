#include "memory_check.hpp"

#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/host_memory.hpp"
#include "ptychoscale/base/words.hpp"
#include "ptychoscale/options/solver_options.hpp"
#include "ptychoscale/reconstruct/dry_run.hpp"
#include "ptychoscale/record/machine.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace ptychoscale {
namespace {

/// What the ranks of one host need together, and what it has; bytes.
struct HostNeed {
  int ranks = 0;
  double needed = 0;
  double available = 0;
};

/// The savings that would bring the host's need below what it has, if every rank is like this one.
std::vector<std::string> ways(const ReconstructionOptions& options, const RankStatistics& rank,
                              const HostNeed& host) {
  std::vector<std::string> found;
  for (const auto& s : memory_savings(options, OnGpu::no)) {
    const auto saved =
        s.label ? s.part * static_cast<double>(rank.peak_bytes[static_cast<std::size_t>(*s.label)]) : 0;
    if (!s.label || host.needed - host.ranks * saved <= host.available) found.push_back(s.way);
  }
  if (found.empty()) found.emplace_back("a machine with more memory");
  return found;
}

/// What one rank will take. Throws where this process may not have that much. Counting needs address space,
/// of which `ulimit -v` may leave too little.
RankStatistics need_of(int rank, const DatasetHeader& header, const ReconstructionOptions& options,
                       const ReconstructionPlan& plan, int threads) {
  try {
    const auto need = dry_run_of_rank(rank, header, options, plan, {}, threads);
    const auto memory = host_memory(LimitsOf::process);
    if (need.peak_total_bytes > memory.available)
      throw OutOfMemory(fmt::format(
          "memory: this will take {} (see `ptychoscale plan`), {} of {} are free (the limit of {})",
          readable_bytes(static_cast<double>(need.peak_total_bytes)),
          readable_bytes(static_cast<double>(memory.available)),
          readable_bytes(static_cast<double>(memory.total)), memory.limit));
    return need;
  } catch (const OutOfMemory& e) {
    std::vector<std::string> all;
    for (const auto& s : memory_savings(options, OnGpu::no)) all.push_back(s.way);
    throw InputError(fmt::format("{}; what may fit: {}", e.what(), fmt::join(all, ", ")));
  }
}

} // namespace

void check_memory(const Communicator& comm, const DatasetHeader& header, const ReconstructionOptions& options,
                  const ReconstructionPlan& plan, int threads) {
  RankStatistics mine;
  comm.agree([&] { mine = need_of(comm.rank(), header, options, plan, threads); });
  const auto memory = host_memory(LimitsOf::host);
  const std::vector<double> figures{static_cast<double>(mine.peak_total_bytes),
                                    static_cast<double>(memory.available)};
  const auto all = comm.gather(figures, 0);
  const auto hosts = comm.gather(this_machine().host, 0);
  std::map<std::string, HostNeed> needs;
  for (std::size_t r = 0; r < hosts.size(); ++r) {
    auto& host = needs[hosts[r]];
    host.available = host.ranks == 0 ? all[2 * r + 1] : std::min(host.available, all[2 * r + 1]);
    host.needed += all[2 * r];
    ++host.ranks;
  }
  comm.agree([&] { // only rank 0 knows any
    for (const auto& [name, host] : needs)
      if (host.needed > host.available)
        throw InputError(fmt::format(
            "memory: {} rank{} on {} will take {} (see `ptychoscale plan`), {} are free; what may fit: {}",
            host.ranks, host.ranks == 1 ? "" : "s", name, readable_bytes(host.needed),
            readable_bytes(host.available), fmt::join(ways(options, mine, host), ", ")));
  });
}

} // namespace ptychoscale
