#include "hdf5.hpp"
#include "input_file.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/io/reconstruction.hpp"
#include "reconstruction_format.hpp"

#include <fmt/format.h>

#include <limits>

namespace ptychoscale {
namespace {

using hdf5::Shape;

constexpr int largest_extent = std::numeric_limits<int>::max();

std::vector<Box> read_cores(const InputFile& file, const Mesh& mesh) {
  file.require_shape(reconstruction_format::cores, {static_cast<hsize_t>(mesh.ranks()), 4},
                     fmt::format("y0, y1, x0, x1 of each tile of the {} x {} mesh", mesh.rows, mesh.columns));
  const std::vector<double> values = file.numbers(reconstruction_format::cores);
  std::vector<Box> cores;
  for (std::size_t i = 0; i < values.size(); i += 4) {
    cores.push_back({static_cast<int>(values[i]), static_cast<int>(values[i + 1]),
                     static_cast<int>(values[i + 2]), static_cast<int>(values[i + 3])});
  }
  return cores;
}

} // namespace

struct ReconstructionReader::Impl {
  explicit Impl(const std::filesystem::path& path) : file(path, "reconstruction") {
    file.require_schema(reconstruction_format::group, reconstruction_format::schema_version);
    file.require_rank(reconstruction_format::potential, 3, "slice, y, x");
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
    const std::vector<double> rows_columns = file.attribute_numbers(reconstruction_format::group, "mesh", 2);
    mesh = {static_cast<int>(rows_columns[0]), static_cast<int>(rows_columns[1])};
    cores = read_cores(file, mesh);
    report = file.text(reconstruction_format::report);
    potential = file.dataset(reconstruction_format::potential);
  }

  InputFile file;
  int slices = 0;
  Extent volume;
  Mesh mesh;
  std::vector<Box> cores;
  std::string report;
  hdf5::Handle potential;
};

ReconstructionReader::ReconstructionReader(const std::filesystem::path& file)
    : impl_(std::make_unique<Impl>(file)) {}
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
}

} // namespace ptychoscale
