#pragma once

#include "ptychoscale/comm/communicator.hpp"
#include "ptychoscale/compute/backend.hpp"
#include "ptychoscale/io/dataset.hpp"
#include "ptychoscale/simulate/simulation.hpp"

#include <functional>

namespace ptychoscale {

/// How the projected potential is summed: directly where that is quick, else by the non-uniform FFT.
[[nodiscard]] PotentialGenerator::Sum choose_sum(const SimulationParameters& parameters);

/// The box of the specimen that a rank's positions see, as memory of its backend.
struct PotentialPart {
  Backend& backend;
  Box box;
  Volume volume; ///< [slice][y][x] of the box, V * angstrom
};

/// About what make_truth() takes on each rank beside its part, bytes.
[[nodiscard]] double truth_bytes(const SimulationParameters& parameters, int threads);

/// Makes the specimen's potential slice by slice on the CPU, the ranks taking turns; rank 0 (which has a
/// `writer`) stores each, or reads it back when an earlier run stored it. Fills every rank's own `part`.
/// Holds two whole slices per rank beside it. Collective. Stops early, on all ranks, when `keep_going`
/// (called by all after each round of slices) says so; gives whether it finished.
[[nodiscard]] bool make_truth(const Communicator& comm, const SimulationParameters& parameters,
                              DatasetWriter* writer, const PotentialPart& part, int threads,
                              const std::function<bool(int slices_done)>& keep_going);

} // namespace ptychoscale
