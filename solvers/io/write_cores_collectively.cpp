#include "core_writer.hpp"

#include <mpi.h>

namespace ptychoscale {
namespace {

hdf5::Handle open_together(const std::filesystem::path& file, MPI_Comm comm) {
  hdf5::start();
  const hdf5::Handle access(hdf5::check(H5Pcreate(H5P_FILE_ACCESS), "cannot create access properties"),
                            H5Pclose);
  hdf5::check(H5Pset_fapl_mpio(access, comm, MPI_INFO_NULL), "cannot choose MPI-IO");
  return {hdf5::check(H5Fopen(file.c_str(), H5F_ACC_RDWR, access), "cannot be opened by all ranks"),
          H5Fclose};
}

hdf5::Handle collective_transfer() {
  hdf5::Handle transfer(hdf5::check(H5Pcreate(H5P_DATASET_XFER), "cannot create transfer properties"),
                        H5Pclose);
  hdf5::check(H5Pset_dxpl_mpio(transfer, H5FD_MPIO_COLLECTIVE), "cannot choose collective transfer");
  return transfer;
}

} // namespace

void write_cores(const OutputFile& file, const Communicator& comm, const Tile& tile, int slices, double sigma,
                 const ReadTile& read_tile) {
  hdf5::Handle handle;
  hdf5::Handle transfer;
  const auto writing_together = [&](const auto& step) { comm.agree([&] { file.writing(step); }); };
  writing_together([&] {
    handle = open_together(file.path(), *static_cast<const MPI_Comm*>(comm.native()));
    transfer = collective_transfer();
  });
  {
    CoreWriter core(handle, tile, sigma);
    for (int s = 0; s < slices; ++s) {
      // Agreeing before the collective write keeps the others from waiting there for a rank that could not
      // read its tile.
      comm.agree([&] { core.load(s, read_tile); });
      writing_together([&] { core.write(s, transfer); });
    }
  }
  writing_together([&] { handle.close("not closed"); });
}

} // namespace ptychoscale
