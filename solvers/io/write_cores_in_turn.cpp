#include "core_writer.hpp"

namespace ptychoscale {

SliceHashes write_cores(const OutputFile& file, const Communicator& comm, const Tile& tile, Extent volume,
                        int slices, double sigma, const ReadTile& read_tile) {
  SliceHashes hashes;
  const auto write_own = [&] {
    hdf5::Handle handle;
    file.writing([&] { handle = hdf5::open_file(file.path(), hdf5::Access::read_write); });
    hashes = write_core(file, handle, tile, volume, slices, sigma, read_tile);
    file.writing([&] { handle.close("not closed"); });
  };
  for (int rank = 0; rank < comm.size(); ++rank) {
    comm.agree([&] {
      if (rank == comm.rank()) write_own();
    });
  }
  return hashes;
}

} // namespace ptychoscale
