#include "core_writer.hpp"

#include <mpi.h>

namespace ptychoscale {
namespace {

hdf5::Handle open_together(const std::filesystem::path& file, MPI_Comm comm) {
  hdf5::start();
  const hdf5::Handle access(hdf5::check(H5Pcreate(H5P_FILE_ACCESS), "cannot create access properties"),
                            H5Pclose);
  hdf5::check(H5Pset_fapl_mpio(access, comm, MPI_INFO_NULL), "cannot choose MPI-IO");
  return {hdf5::check(H5Fopen(file.c_str(), H5F_ACC_RDWR, access), "it cannot be opened by all ranks"),
          H5Fclose};
}

} // namespace

// The file is opened and closed by all ranks together, but each writes on its own: when a collective write
// meets a full disk, Open MPI's OMPIO (4.1) reports success and leaves holes, and ROMIO leaves the other
// ranks waiting. Independent writes report their errors.
SliceHashes write_cores(const OutputFile& file, const Communicator& comm, const Tile& tile, Extent volume,
                        int slices, double sigma, const ReadTile& read_tile) {
  SliceHashes hashes;
  hdf5::Handle handle;
  comm.agree([&] {
    file.writing([&] { handle = open_together(file.path(), *static_cast<const MPI_Comm*>(comm.native())); });
  });
  comm.agree([&] { hashes = write_core(file, handle, tile, volume, slices, sigma, read_tile); });
  comm.agree([&] { file.writing([&] { handle.close("not closed"); }); });
  return hashes;
}

} // namespace ptychoscale
