#pragma once

#include "ptychoscale/comm/communicator.hpp"
#include "ptychoscale/io/dataset.hpp"
#include "ptychoscale/simulate/simulation.hpp"

namespace ptychoscale {

/// What a rank of `simulate` takes part in.
struct SimulationShare {
  Box box; ///< of the specimen, which its positions see
  int positions_at_once = 1;
  int threads = 1;
  bool waves_on_host = true; ///< and the box's potential; not so with a GPU
};

/// Holds what a simulation will take, counted as its own allocations, against what each host has, before
/// anything is allocated. Collective. Throws InputError on every rank that names the host, its ranks' need,
/// what there is and what may fit.
void check_memory(const Communicator& comm, const SimulationParameters& parameters,
                  const DatasetHeader& header, const SimulationShare& share);

} // namespace ptychoscale
