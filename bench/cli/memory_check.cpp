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

std::string may_fit(const ReconstructionOptions& options) {
  std::vector<std::string> all;
  for (const auto& s : memory_savings(options, OnGpu::no)) all.push_back(s.way);
  return fmt::format("{}", fmt::join(all, ", "));
}

/// What one rank will take. Throws where this process may not have that much. Counting needs address space,
/// of which `ulimit -v` may leave too little.
RankStatistics need_of(int rank, const DatasetHeader& header, const ReconstructionOptions& options,
                       const ReconstructionPlan& plan, int threads) {
  try {
    const auto need = dry_run_of_rank(rank, header, options, plan, {}, threads);
    require_memory(static_cast<double>(need.peak_total_bytes), "this", may_fit(options));
    return need;
  } catch (const OutOfMemory& e) {
    throw InputError(fmt::format("{}; what may fit: {}", e.what(), may_fit(options)));
  }
}

} // namespace

std::vector<HostNeed> overfull_hosts(const Communicator& comm, double bytes_of_this_rank) {
  const std::vector<double> figures{bytes_of_this_rank,
                                    static_cast<double>(host_memory(LimitsOf::host).available)};
  const auto all = comm.gather(figures, 0);
  const auto hosts = comm.gather(this_machine().host, 0);
  std::map<std::string, HostNeed> needs;
  for (std::size_t r = 0; r < hosts.size(); ++r) {
    auto& host = needs[hosts[r]];
    host.host = hosts[r];
    host.available = host.ranks == 0 ? all[2 * r + 1] : std::min(host.available, all[2 * r + 1]);
    host.needed += all[2 * r];
    ++host.ranks;
  }
  std::vector<HostNeed> overfull;
  for (const auto& [name, host] : needs)
    if (host.needed > host.available) overfull.push_back(host);
  return overfull;
}

std::string overfull_text(const HostNeed& host, const std::vector<std::string>& may_fit) {
  return fmt::format("memory: {} rank{} on {} will take {}, {} are free; what may fit: {}", host.ranks,
                     host.ranks == 1 ? "" : "s", host.host, readable_bytes(host.needed),
                     readable_bytes(host.available), fmt::join(may_fit, ", "));
}

void check_memory(const Communicator& comm, const DatasetHeader& header, const ReconstructionOptions& options,
                  const ReconstructionPlan& plan, int threads) {
  RankStatistics mine;
  comm.agree([&] { mine = need_of(comm.rank(), header, options, plan, threads); });
  const auto overfull = overfull_hosts(comm, static_cast<double>(mine.peak_total_bytes));
  comm.agree([&] { // only rank 0 knows any
    if (!overfull.empty())
      throw InputError(overfull_text(overfull.front(), ways(options, mine, overfull.front())));
  });
}

} // namespace ptychoscale
