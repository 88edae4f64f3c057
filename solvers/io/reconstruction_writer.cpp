#include "core_writer.hpp"
#include "dataset_format.hpp"
#include "emd.hpp"
#include "hash.hpp"
#include "hdf5.hpp"
#include "output_file.hpp"
#include "probe_image.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/output_target.hpp"
#include "ptychoscale/io/reconstruction.hpp"
#include "ptychoscale/io/sync.hpp"
#include "reconstruction_format.hpp"
#include "voxel_hash.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace ptychoscale {
namespace {

using hdf5::Handle;
using hdf5::Shape;

Shape volume_shape(const DatasetHeader& h) {
  return {static_cast<hsize_t>(h.slices), static_cast<hsize_t>(h.volume.y), static_cast<hsize_t>(h.volume.x)};
}

std::uintmax_t bytes_needed(const DatasetHeader& h, std::size_t modes, std::size_t report,
                            std::size_t costs) {
  constexpr std::uintmax_t fixed = 1 << 16; // groups, attributes, heaps
  constexpr std::uintmax_t per_position = 32;
  return fixed + 2 * static_cast<std::uintmax_t>(h.slices) * h.volume.area() * sizeof(float) +
         modes * h.detector.area() * sizeof(Complex) + h.positions_A.size() * per_position + report +
         costs * sizeof(double) + 2 * sizeof(std::uint64_t) * static_cast<std::uintmax_t>(h.slices);
}

/// What the file holds as the probe, [mode][ky][kx].
std::span<const Complex> probe_of(const DatasetHeader& h, const ReconstructionInfo& info) {
  return info.probe.empty() ? h.probe : info.probe;
}

/// Where the patterns' windows lie, as PtyRAD has it: an integer top-left pixel and the probe's remaining
/// shift, (y, x) in pixels.
struct Windows {
  std::vector<std::int32_t> corners; ///< [position][2]
  std::vector<float> shifts;         ///< [position][2]
  Box canvas; ///< the volume, grown to hold every window; its origin is the corners' zero
};

Windows place_windows(const DatasetHeader& h) {
  Windows w;
  w.canvas = {0, h.volume.y, 0, h.volume.x};
  for (const Position& p : h.positions_A) {
    const std::array pixels{p.y / h.pixel.y, p.x / h.pixel.x};
    const std::array closest{std::floor(pixels[0] + 0.5), std::floor(pixels[1] + 0.5)};
    const Offset corner{static_cast<int>(closest[0]) - h.detector.y / 2,
                        static_cast<int>(closest[1]) - h.detector.x / 2};
    w.corners.insert(w.corners.end(), {corner.y, corner.x});
    for (std::size_t axis : {0U, 1U}) w.shifts.push_back(static_cast<float>(pixels[axis] - closest[axis]));
    w.canvas = {std::min(w.canvas.y0, corner.y), std::max(w.canvas.y1, corner.y + h.detector.y),
                std::min(w.canvas.x0, corner.x), std::max(w.canvas.x1, corner.x + h.detector.x)};
  }
  for (std::size_t i = 0; i < w.corners.size(); i += 2) {
    w.corners[i] -= w.canvas.y0;
    w.corners[i + 1] -= w.canvas.x0;
  }
  return w;
}

void write_volume_axes(hid_t array, const DatasetHeader& h) {
  emd::write_axis(array, 0, h.slice_thickness_A, "z", "A");
  emd::write_axis(array, 1, h.pixel.y, "y", "A");
  emd::write_axis(array, 2, h.pixel.x, "x", "A");
}

void create_volume(hid_t root, const DatasetHeader& h, const std::string& name, const std::string& units) {
  const Handle array = emd::create_array(root, name, "Array");
  const Handle data = hdf5::create_contiguous(array, "data", H5T_IEEE_F32LE, volume_shape(h));
  hdf5::write_attribute(data, "units", units);
  write_volume_axes(array, h);
}

void write_emd_tree(hid_t file, const DatasetHeader& h, std::span<const Complex> probe) {
  const Handle root = emd::create_root(file, "reconstruction");
  create_volume(root, h, "object_phase", "rad");
  create_volume(root, h, "potential", "V*A");
  const Handle array = emd::create_array(root, "probe", "Array");
  const Handle data = hdf5::write_array(array, "data", probe_image(probe, h.detector),
                                        {probe.size() / h.detector.area(), static_cast<hsize_t>(h.detector.y),
                                         static_cast<hsize_t>(h.detector.x)});
  hdf5::write_attribute(data, "units", "square root of the incident fraction per pixel");
  emd::write_axis(array, 0, 1, "mode", "");
  emd::write_axis(array, 1, h.pixel.y, "y", "A");
  emd::write_axis(array, 2, h.pixel.x, "x", "A");
}

/// PtyRAD's phase, [1][slice][y][x] on the canvas, is a view (a virtual dataset) of object_phase: a soft link
/// could not add the leading axis, nor vacuum (phase 0) where a window leaves the volume, which PtyRAD does
/// not allow, and a copy would store the volume a third time.
void create_phase_view(hid_t tensors, const DatasetHeader& h, const Box& canvas) {
  const Shape shape{1, static_cast<hsize_t>(h.slices), static_cast<hsize_t>(canvas.extent().y),
                    static_cast<hsize_t>(canvas.extent().x)};
  const Shape origin{0, 0, static_cast<hsize_t>(-canvas.y0), static_cast<hsize_t>(-canvas.x0)};
  const Shape source_shape = volume_shape(h);
  const Shape box{1, source_shape[0], source_shape[1], source_shape[2]};
  const Handle view = hdf5::create_space(shape);
  hdf5::check(H5Sselect_hyperslab(view, H5S_SELECT_SET, origin.data(), nullptr, box.data(), nullptr),
              "cannot select the volume in the canvas");
  const Handle source = hdf5::create_space(source_shape);
  const Handle properties = hdf5::create_dataset_properties();
  const float vacuum = 0;
  hdf5::check(H5Pset_fill_value(properties, H5T_NATIVE_FLOAT, &vacuum), "cannot set a fill value");
  hdf5::check(H5Pset_virtual(properties, view, ".", (std::string("/") + reconstruction_format::phase).c_str(),
                             source),
              "cannot map the phase");
  const Handle data = hdf5::create_dataset(tensors, "objp", H5T_IEEE_F32LE, shape, properties);
  hdf5::write_attribute(data, "canvas_origin", std::array{std::int64_t{canvas.y0}, std::int64_t{canvas.x0}});
}

/// Amplitude 1 everywhere: a fill value, no storage.
void create_amplitude(hid_t tensors, const DatasetHeader& h, const Box& canvas) {
  const Handle properties = hdf5::create_dataset_properties();
  const float one = 1;
  hdf5::check(H5Pset_fill_value(properties, H5T_NATIVE_FLOAT, &one), "cannot set a fill value");
  const Handle data =
      hdf5::create_dataset(tensors, "obja", H5T_IEEE_F32LE,
                           {1, static_cast<hsize_t>(h.slices), static_cast<hsize_t>(canvas.extent().y),
                            static_cast<hsize_t>(canvas.extent().x)},
                           properties);
}

void write_ptyrad_groups(hid_t file, const DatasetHeader& h) {
  const Windows windows = place_windows(h);
  const Shape per_position{h.positions_A.size(), 2};
  const Handle tensors = hdf5::create_group(file, "optimizable_tensors");
  create_phase_view(tensors, h, windows.canvas);
  create_amplitude(tensors, h, windows.canvas);
  hdf5::link_softly(tensors, std::string("/") + reconstruction_format::probe, "probe");
  hdf5::write_array(tensors, "probe_pos_shifts", windows.shifts, per_position);
  const Handle attributes = hdf5::create_group(file, "model_attributes");
  hdf5::write_array(attributes, "crop_pos", windows.corners, per_position);
  hdf5::write_number(attributes, "dx", h.pixel.y);
  hdf5::write_number(attributes, "slice_thickness", h.slice_thickness_A);
}

std::vector<Box> cores_of(const Tiling& tiling) {
  std::vector<Box> cores;
  for (const Tile& t : tiling.tiles) cores.push_back(t.core);
  return cores;
}

void write_own_group(hid_t file, const Tiling& tiling, const ReconstructionInfo& info) {
  const Handle own = hdf5::create_group(file, reconstruction_format::group);
  hdf5::write_attribute(own, "schema_version", reconstruction_format::schema_version);
  hdf5::write_attribute(own, "sigma_rad_per_VA", info.sigma);
  hdf5::write_attribute(own, "mesh",
                        std::array{std::int64_t{tiling.mesh.rows}, std::int64_t{tiling.mesh.columns}});
  hdf5::write_text(own, "report", info.report_json);
  hdf5::write_array(own, "cost_per_iteration", info.cost_per_iteration, {info.cost_per_iteration.size()});
  std::vector<std::int32_t> cores;
  for (const Tile& t : tiling.tiles) cores.insert(cores.end(), {t.core.y0, t.core.y1, t.core.x0, t.core.x1});
  const Handle boxes = hdf5::write_array(own, "cores", cores, {tiling.tiles.size(), 4});
  hdf5::write_attribute(boxes, "columns", "y0, y1, x0, x1 of each rank's half-open core box");
  const auto hash = header_hash({.mesh = {tiling.mesh.rows, tiling.mesh.columns},
                                 .sigma = info.sigma,
                                 .cost = info.cost_per_iteration,
                                 .report = info.report_json,
                                 .cores = cores_of(tiling)});
  hdf5::write_attribute(own, reconstruction_format::header_hash, hash);
}

/// By one rank, once all voxels are written; `hashes` are of whole slices.
void write_slice_hashes(const OutputFile& partial, const SliceHashes& hashes) {
  const std::span values(hashes.front().data(), 2 * hashes.size());
  partial.writing([&] {
    Handle file = hdf5::open_file(partial.path(), hdf5::Access::read_write);
    {
      const Handle data =
          hdf5::write_array(file, reconstruction_format::slice_hashes, values, {hashes.size(), 2});
      hdf5::write_attribute(data, "columns", "potential, object_phase");
    }
    file.close("not closed");
  });
}

std::string uuid_of_run(const DatasetHeader& h, const ReconstructionInfo& info) {
  Record record;
  record.add_text(h.case_name);
  record.add_text(info.report_json);
  record.add_array(std::span(info.cost_per_iteration));
  return uuid_of(digest(record.bytes()));
}

/// All but the voxels, by one rank, with plain files: only bulk data needs all ranks.
void create_skeleton(const OutputFile& partial, const DatasetHeader& h, const Tiling& tiling,
                     const ReconstructionInfo& info) {
  partial.writing([&] {
    Handle file = hdf5::create_file(partial.path());
    emd::write_file_header(file, uuid_of_run(h, info));
    write_emd_tree(file, h, probe_of(h, info));
    write_ptyrad_groups(file, h);
    write_own_group(file, tiling, info);
    hdf5::check(H5Fflush(file, H5F_SCOPE_GLOBAL), "not flushed");
    file.close("not closed");
  });
  partial.reserve(); // creating has given back what was reserved, and the file is still full of holes
}

void check_input(const std::filesystem::path& file, const Communicator& comm, const DatasetHeader& h,
                 const Tiling& tiling) {
  dataset_format::check_header(h, file.string());
  if (tiling.tiles.size() != static_cast<std::size_t>(comm.size()) || tiling.volume != h.volume) {
    throw RunError(fmt::format("'{}': tiling of {} x {} pixels in {} tiles, expected {} x {} in {}",
                               file.string(), tiling.volume.y, tiling.volume.x, tiling.tiles.size(),
                               h.volume.y, h.volume.x, comm.size()));
  }
}

} // namespace

std::uintmax_t reconstruction_bytes(const DatasetHeader& header, int modes, int iterations, int ranks) {
  constexpr std::uintmax_t report = 1 << 16;
  constexpr std::uintmax_t per_iteration = 40; // its cost, once more as a line of the report
  constexpr std::uintmax_t per_rank = 16;      // its core
  const int most = std::max(modes, probe_modes(header));
  return bytes_needed(header, static_cast<std::size_t>(most), report, 0) +
         per_iteration * static_cast<std::uintmax_t>(iterations) +
         per_rank * static_cast<std::uintmax_t>(ranks);
}

void write_reconstruction(const std::filesystem::path& file, const Communicator& comm,
                          const DatasetHeader& header, const Tiling& tiling,
                          const std::function<void(int, std::span<float>)>& read_tile,
                          const ReconstructionInfo& info) {
  std::filesystem::path target;
  comm.agree([&] {
    check_input(file, comm, header, tiling);
    target = output_target(file);
  });
  const std::size_t modes = probe_of(header, info).size() / header.detector.area();
  const OutputFile partial(target.string() + ".partial", bytes_needed(header, modes, info.report_json.size(),
                                                                      info.cost_per_iteration.size()));
  const bool first = comm.rank() == 0;
  const auto on_first = [&](const auto& step) {
    comm.agree([&] {
      if (first) step();
    });
  };
  on_first([&] { partial.reserve(); });
  try {
    on_first([&] { create_skeleton(partial, header, tiling, info); });
    auto hashes = write_cores(partial, comm, tiling.tiles[static_cast<std::size_t>(comm.rank())],
                              header.volume, header.slices, info.sigma, read_tile);
    comm.sum(std::span(hashes.front().data(), 2 * hashes.size()));
    on_first([&] { write_slice_hashes(partial, hashes); });
    comm.agree([&] { // what a host has written, that host must sync
      if (comm.local_rank() == 0) sync_file(partial.path());
    });
    on_first([&] { partial.rename_to(target); });
  } catch (...) {
    if (first) partial.remove();
    throw;
  }
}

} // namespace ptychoscale
