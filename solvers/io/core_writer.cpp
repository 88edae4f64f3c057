#include "core_writer.hpp"

#include "ptychoscale/base/memory_meter.hpp"
#include "reconstruction_format.hpp"

namespace ptychoscale {
namespace {

using hdf5::Handle;
using hdf5::Shape;

Shape shape_of(Extent extent) { return {static_cast<hsize_t>(extent.y), static_cast<hsize_t>(extent.x)}; }

/// The core's pixels in memory that holds the extended tile.
Handle core_in_tile(const Tile& tile) {
  const Box core = relative_to(tile.core, tile.extended.origin());
  const Shape origin{static_cast<hsize_t>(core.y0), static_cast<hsize_t>(core.x0)};
  const Shape size = shape_of(core.extent());
  Handle space = hdf5::create_space(shape_of(tile.extended.extent()));
  hdf5::check(H5Sselect_hyperslab(space, H5S_SELECT_SET, origin.data(), nullptr, size.data(), nullptr),
              "cannot select the core in the tile");
  return space;
}

void write_slice(hid_t dataset, int slice, const Box& core, const Handle& memory, const float* values) {
  const Shape origin{static_cast<hsize_t>(slice), static_cast<hsize_t>(core.y0),
                     static_cast<hsize_t>(core.x0)};
  const Shape size{1, static_cast<hsize_t>(core.extent().y), static_cast<hsize_t>(core.extent().x)};
  const Handle space(hdf5::check(H5Dget_space(dataset), "cannot get a dataspace"), H5Sclose);
  hdf5::check(H5Sselect_hyperslab(space, H5S_SELECT_SET, origin.data(), nullptr, size.data(), nullptr),
              "cannot select the core in the volume");
  hdf5::check(H5Dwrite(dataset, H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, values),
              "a slice was not written");
}

/// Of the core's pixels of `values`, a slice of the extended tile.
std::uint64_t hash_of_core(const Tile& tile, Extent volume, std::span<const float> values) {
  const Box inside = relative_to(tile.core, tile.extended.origin());
  const auto width = static_cast<std::size_t>(tile.extended.extent().x);
  std::uint64_t sum = 0;
  for (int y = 0; y < tile.core.extent().y; ++y) {
    const auto row =
        values.subspan(static_cast<std::size_t>(inside.y0 + y) * width + static_cast<std::size_t>(inside.x0),
                       static_cast<std::size_t>(tile.core.extent().x));
    const auto first = static_cast<std::uint64_t>(tile.core.y0 + y) * static_cast<std::uint64_t>(volume.x) +
                       static_cast<std::uint64_t>(tile.core.x0);
    sum += voxel_hash(first, row);
  }
  return sum;
}

} // namespace

SliceHashes write_core(const OutputFile& file, hid_t handle, const Tile& tile, Extent volume, int slices,
                       double sigma, const ReadTile& read_tile) {
  const Handle potential = hdf5::open_dataset(handle, reconstruction_format::potential);
  const Handle phase = hdf5::open_dataset(handle, reconstruction_format::phase);
  const Handle memory = core_in_tile(tile);
  MeteredVector<float, MemoryLabel::other> values(tile.extended.extent().area());
  SliceHashes hashes;
  for (int s = 0; s < slices; ++s) {
    read_tile(s, values);
    auto& [of_potential, of_phase] = hashes.emplace_back();
    of_potential = hash_of_core(tile, volume, values);
    file.writing([&] { write_slice(potential, s, tile.core, memory, values.data()); });
    for (float& value : values) value *= static_cast<float>(sigma);
    of_phase = hash_of_core(tile, volume, values);
    file.writing([&] { write_slice(phase, s, tile.core, memory, values.data()); });
  }
  return hashes;
}

} // namespace ptychoscale
