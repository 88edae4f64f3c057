#include "first_read.hpp"
#include "hdf5.hpp"
#include "input_file.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/io/reconstruction.hpp"
#include "reconstruction_format.hpp"
#include "voxel_hash.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>

namespace ptychoscale {
namespace {

using hdf5::Shape;

constexpr int largest_extent = std::numeric_limits<int>::max();

constexpr double largest_mesh = 1 << 15; ///< ranks along one axis

Mesh read_mesh(const InputFile& file) {
  const auto mesh = file.attribute_numbers(reconstruction_format::group, "mesh", 2);
  for (const double n : mesh)
    if (!(n >= 1 && n <= largest_mesh && n == std::floor(n)))
      file.reject(fmt::format("attribute 'mesh' of '{}' = [{}, {}], expected whole numbers from 1 to {}",
                              reconstruction_format::group, mesh[0], mesh[1], largest_mesh));
  return {static_cast<int>(mesh[0]), static_cast<int>(mesh[1])};
}

std::vector<Box> read_cores(const InputFile& file, const Mesh& mesh, Extent volume) {
  file.require_shape(reconstruction_format::cores, {static_cast<hsize_t>(mesh.ranks()), 4},
                     fmt::format("y0, y1, x0, x1 of each tile of the {} x {} mesh", mesh.rows, mesh.columns));
  const std::vector<double> values = file.numbers(reconstruction_format::cores);
  std::vector<Box> cores;
  for (std::size_t i = 0; i < values.size(); i += 4) {
    const double* c = &values[i];
    if (!(0 <= c[0] && c[0] <= c[1] && c[1] <= volume.y && 0 <= c[2] && c[2] <= c[3] && c[3] <= volume.x))
      file.reject(fmt::format(
          "dataset '{}' has the tile ({}, {}, {}, {}), expected y0, y1, x0, x1 within the {} x {} "
          "pixels of the volume",
          reconstruction_format::cores, c[0], c[1], c[2], c[3], volume.y, volume.x));
    cores.push_back(
        {static_cast<int>(c[0]), static_cast<int>(c[1]), static_cast<int>(c[2]), static_cast<int>(c[3])});
  }
  return cores;
}

SliceHashes read_slice_hashes(const InputFile& file, int slices) {
  file.require_shape(reconstruction_format::slice_hashes, {static_cast<hsize_t>(slices), 2},
                     "one of the potential and one of the phase per slice");
  const auto values = file.unsigned_numbers(reconstruction_format::slice_hashes);
  SliceHashes hashes;
  for (std::size_t i = 0; i < values.size(); i += 2) hashes.push_back({values[i], values[i + 1]});
  return hashes;
}

} // namespace

struct ReconstructionReader::Impl {
  explicit Impl(const std::filesystem::path& path) : file(path, "reconstruction") {
    file.require_rank(reconstruction_format::potential, 3, "slice, y, x");
    file.require_schema(reconstruction_format::group, reconstruction_format::schema_version);
    file.require_type(reconstruction_format::potential, {"float32"});
    const Shape shape = file.shape(reconstruction_format::potential);
    for (const hsize_t extent : shape) {
      if (extent < 1 || extent > static_cast<hsize_t>(largest_extent)) {
        file.reject(fmt::format("dataset '{}' has shape {}, expected every extent from 1 to {}",
                                reconstruction_format::potential, to_text(shape), largest_extent));
      }
    }
    slices = static_cast<int>(shape[0]);
    volume = {static_cast<int>(shape[1]), static_cast<int>(shape[2])};
    mesh = read_mesh(file);
    cores = read_cores(file, mesh, volume);
    report = file.text(reconstruction_format::report);
    check_header();
    hashes = read_slice_hashes(file, slices);
    potential = file.dataset(reconstruction_format::potential);
  }

  /// All but the voxels, which read_potential() compares with their own hashes.
  void check_header() const {
    const auto cost = file.numbers(reconstruction_format::cost);
    const double sigma = file.attribute_number(reconstruction_format::group, "sigma_rad_per_VA");
    const auto found = header_hash(
        {.mesh = {mesh.rows, mesh.columns}, .sigma = sigma, .cost = cost, .report = report, .cores = cores});
    if (found != file.attribute_text(reconstruction_format::group, reconstruction_format::header_hash))
      file.reject(fmt::format("'{}' is not what was written: mesh, sigma, cores, cost or report were changed",
                              reconstruction_format::group));
  }

  InputFile file;
  int slices = 0;
  Extent volume;
  Mesh mesh;
  std::vector<Box> cores;
  std::string report;
  SliceHashes hashes;
  hdf5::Handle potential;
};

ReconstructionReader::ReconstructionReader(const std::filesystem::path& file) {
  read_first_in_a_child(file.string(), [&] { const Impl tried(file); });
  impl_ = std::make_unique<Impl>(file);
}
ReconstructionReader::~ReconstructionReader() = default;
ReconstructionReader::ReconstructionReader(ReconstructionReader&&) noexcept = default;

int ReconstructionReader::slices() const { return impl_->slices; }
Extent ReconstructionReader::volume() const { return impl_->volume; }
const std::vector<Box>& ReconstructionReader::cores() const { return impl_->cores; }
Mesh ReconstructionReader::mesh() const { return impl_->mesh; }
std::string ReconstructionReader::report_json() const { return impl_->report; }

void ReconstructionReader::read_potential(int slice, std::span<float> potential) const {
  const Impl& r = *impl_;
  if (slice < 0 || slice >= r.slices || potential.size() != r.volume.area()) {
    throw RunError(fmt::format("'{}': slice {} into {} pixels, expected 0 to {} into {}", r.file.name(),
                               slice, potential.size(), r.slices - 1, r.volume.area()));
  }
  hdf5::read_box(r.potential, {static_cast<hsize_t>(slice), 0, 0},
                 {1, static_cast<hsize_t>(r.volume.y), static_cast<hsize_t>(r.volume.x)}, H5T_NATIVE_FLOAT,
                 potential.data(), fmt::format("'{}': slice {} cannot be read", r.file.name(), slice));
  if (voxel_hash(0, potential) != r.hashes[static_cast<std::size_t>(slice)][0])
    r.file.reject(
        fmt::format("slice {} of '{}' is not what was written; expected a file that nobody has changed",
                    slice, reconstruction_format::potential));
}

} // namespace ptychoscale
