#pragma once

#include "ptychoscale/compute/kernel_rates.hpp"
#include "ptychoscale/reconstruct/reconstruct.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace ptychoscale {

/// How long one device works, as measured on it or said of it.
struct KernelTimes {
  struct Visit {
    std::int64_t voxels = 0; ///< of the extended tile
    double seconds = 0;      ///< per probe position: forward model and gradient
  };
  std::string device;
  double bytes_per_second = 0; ///< of the device's memory, which packing and stepping are limited by
  std::vector<Visit> visits;   ///< of one case, method and grid
};

/// Reads {"device", "bytes_per_second", "visits": [{"voxels", "seconds"}]}. Throws InputError naming file,
/// field and value.
[[nodiscard]] KernelTimes read_kernel_times(const std::filesystem::path& file);

/// Seconds per probe position of every rank: those of the measured tile nearest in size. Throws InputError,
/// with the command that measures it, for a rank whose tile is more than a tenth away from all that were
/// measured.
[[nodiscard]] std::vector<double> seconds_per_visit(const KernelTimes& times, const DatasetHeader& header,
                                                    const ReconstructionOptions& options,
                                                    const Tiling& tiling);

/// Ranks whose tiles stand for all others: measured, they are enough for seconds_per_visit().
[[nodiscard]] std::vector<int> ranks_to_measure(const Tiling& tiling, int slices);

/// Seconds a verb takes: a visit's are spread evenly over its slices, each of which has one gradient step;
/// the verbs on tile volumes move their bytes at the memory's bandwidth; all others are part of a visit.
[[nodiscard]] double verb_seconds(Verb verb, std::size_t elements, double seconds_per_slice,
                                  double bytes_per_second);

} // namespace ptychoscale
