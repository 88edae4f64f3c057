#pragma once

#include "hdf5.hpp"
#include "output_file.hpp"
#include "ptychoscale/base/memory_meter.hpp"
#include "ptychoscale/comm/communicator.hpp"
#include "ptychoscale/geometry/tiling.hpp"

#include <functional>
#include <span>

namespace ptychoscale {

using ReadTile = std::function<void(int, std::span<float>)>;

/// One rank's core box on its way into the datasets of an open file: potential, and phase = sigma times it.
class CoreWriter {
public:
  [[nodiscard]] CoreWriter(hid_t file, const Tile& tile, double sigma);
  /// Takes slice `slice` of the extended tile.
  void load(int slice, const ReadTile& read_tile);
  /// Writes the loaded slice with the transfer properties given (collective or not).
  void write(int slice, hid_t transfer);

private:
  Box core_;
  Box core_in_tile_;
  Extent tile_;
  float sigma_;
  hdf5::Handle potential_;
  hdf5::Handle phase_;
  MeteredVector<float, MemoryLabel::other> values_;
};

/// Every rank writes its core box into the existing datasets of `file`: collectively, or rank after rank
/// where HDF5 is serial. Collective over `comm`; when a rank fails, all throw.
void write_cores(const OutputFile& file, const Communicator& comm, const Tile& tile, int slices, double sigma,
                 const ReadTile& read_tile);

} // namespace ptychoscale
