#include "core_writer.hpp"

#include "reconstruction_format.hpp"

namespace ptychoscale {
namespace {

hdf5::Shape shape_of(Extent extent) {
  return {static_cast<hsize_t>(extent.y), static_cast<hsize_t>(extent.x)};
}

} // namespace

CoreWriter::CoreWriter(hid_t file, const Tile& tile, double sigma)
    : core_(tile.core), core_in_tile_(relative_to(tile.core, tile.extended.origin())),
      tile_(tile.extended.extent()), sigma_(static_cast<float>(sigma)),
      potential_(hdf5::open_dataset(file, reconstruction_format::potential)),
      phase_(hdf5::open_dataset(file, reconstruction_format::phase)), values_(tile_.area()) {}

void CoreWriter::load(int slice, const ReadTile& read_tile) { read_tile(slice, values_); }

void CoreWriter::write(int slice, hid_t transfer) {
  const Extent extent = core_.extent();
  const hdf5::Shape in_tile{static_cast<hsize_t>(core_in_tile_.y0), static_cast<hsize_t>(core_in_tile_.x0)};
  const hdf5::Shape size = shape_of(extent);
  const hdf5::Handle memory = hdf5::create_space(shape_of(tile_));
  hdf5::check(H5Sselect_hyperslab(memory, H5S_SELECT_SET, in_tile.data(), nullptr, size.data(), nullptr),
              "cannot select the core in the tile");
  const hdf5::Shape in_volume{static_cast<hsize_t>(slice), static_cast<hsize_t>(core_.y0),
                              static_cast<hsize_t>(core_.x0)};
  const hdf5::Shape box{1, size[0], size[1]};
  const hdf5::Handle file(hdf5::check(H5Dget_space(potential_), "cannot get a dataspace"), H5Sclose);
  hdf5::check(H5Sselect_hyperslab(file, H5S_SELECT_SET, in_volume.data(), nullptr, box.data(), nullptr),
              "cannot select the core in the volume");
  hdf5::check(H5Dwrite(potential_, H5T_NATIVE_FLOAT, memory, file, transfer, values_.data()),
              "the potential was not written");
  for (float& value : values_) value *= sigma_;
  hdf5::check(H5Dwrite(phase_, H5T_NATIVE_FLOAT, memory, file, transfer, values_.data()),
              "the phase was not written");
}

} // namespace ptychoscale
