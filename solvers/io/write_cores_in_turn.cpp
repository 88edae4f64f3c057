#include "core_writer.hpp"

namespace ptychoscale {
namespace {

void write_core(const OutputFile& file, const Tile& tile, int slices, double sigma,
                const ReadTile& read_tile) {
  hdf5::Handle handle;
  file.writing([&] { handle = hdf5::open_file(file.path(), hdf5::Access::read_write); });
  {
    CoreWriter core(handle, tile, sigma);
    for (int s = 0; s < slices; ++s) {
      core.load(s, read_tile);
      file.writing([&] { core.write(s, H5P_DEFAULT); });
    }
  }
  file.writing([&] { handle.close("not closed"); });
}

} // namespace

void write_cores(const OutputFile& file, const Communicator& comm, const Tile& tile, int slices, double sigma,
                 const ReadTile& read_tile) {
  for (int rank = 0; rank < comm.size(); ++rank) {
    comm.agree([&] {
      if (rank == comm.rank()) write_core(file, tile, slices, sigma, read_tile);
    });
  }
}

} // namespace ptychoscale
