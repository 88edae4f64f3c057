#pragma once

#include "ptychoscale/comm/communicator.hpp"
#include "ptychoscale/reconstruct/reconstruct.hpp"

#include <string>
#include <vector>

namespace ptychoscale {

/// What the ranks of one host need together, and what it has; bytes.
struct HostNeed {
  std::string host;
  int ranks = 0;
  double needed = 0;
  double available = 0;
};

/// On rank 0, by name, the hosts whose ranks need more than they have; each rank says what it needs itself.
/// Collective.
[[nodiscard]] std::vector<HostNeed> overfull_hosts(const Communicator& comm, double bytes_of_this_rank);

/// The line about such a host: how many of its ranks will take what, what there is, and what may fit.
[[nodiscard]] std::string overfull_text(const HostNeed& host, const std::vector<std::string>& may_fit);

/// Holds what a run on the CPU will take, as `plan` counts it, against what each host has, before anything is
/// allocated. Collective. Throws InputError on every rank that names the host, its ranks' need and what there
/// is.
void check_memory(const Communicator& comm, const DatasetHeader& header, const ReconstructionOptions& options,
                  const ReconstructionPlan& plan, int threads);

} // namespace ptychoscale
