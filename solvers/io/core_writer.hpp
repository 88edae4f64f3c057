#pragma once

#include "hdf5.hpp"
#include "output_file.hpp"
#include "ptychoscale/comm/communicator.hpp"
#include "ptychoscale/geometry/tiling.hpp"
#include "voxel_hash.hpp"

#include <functional>
#include <span>

namespace ptychoscale {

/// Gives one slice of a rank's extended tile, [y][x].
using ReadTile = std::function<void(int, std::span<float>)>;

/// Writes one rank's core box into the potential and, times sigma, into the phase of the open file `handle`,
/// slice by slice; gives the core's part of the slices' hashes.
[[nodiscard]] SliceHashes write_core(const OutputFile& file, hid_t handle, const Tile& tile, Extent volume,
                                     int slices, double sigma, const ReadTile& read_tile);

/// Every rank writes its core box into the existing datasets of `file`: all at once, or rank after rank where
/// HDF5 is serial; gives its own part of the slices' hashes. Collective over `comm`; when a rank fails, all
/// throw.
[[nodiscard]] SliceHashes write_cores(const OutputFile& file, const Communicator& comm, const Tile& tile,
                                      Extent volume, int slices, double sigma, const ReadTile& read_tile);

} // namespace ptychoscale
