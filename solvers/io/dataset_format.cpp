#include "dataset_format.hpp"

#include "ptychoscale/base/error.hpp"

#include <fmt/format.h>

#include <cmath>
#include <complex>

namespace ptychoscale::dataset_format {
namespace {

[[noreturn]] void reject(const std::string& file, const std::string& message) {
  throw InputError(fmt::format("'{}': {}", file, message));
}

void require_positive(const std::string& file, const char* field, double value) {
  if (!(value > 0 && std::isfinite(value))) {
    reject(file, fmt::format("{} = {}, expected a positive number", field, value));
  }
}

void require_finite(const std::string& file, const char* field, double value) {
  if (!std::isfinite(value)) reject(file, fmt::format("{} = {}, expected a finite number", field, value));
}

void check_grids(const DatasetHeader& h, const std::string& file) {
  require_positive(file, "detector rows", h.detector.y);
  require_positive(file, "detector columns", h.detector.x);
  require_positive(file, "pixel_A along y", h.pixel.y);
  require_positive(file, "pixel_A along x", h.pixel.x);
  require_positive(file, "volume rows", h.volume.y);
  require_positive(file, "volume columns", h.volume.x);
  require_positive(file, "slices", h.slices);
  require_positive(file, "slice_thickness_A", h.slice_thickness_A);
}

void check_optics(const DatasetHeader& h, const std::string& file) {
  require_positive(file, "energy_eV", h.energy_eV);
  require_positive(file, "semiangle_cutoff_mrad", h.semiangle_mrad);
  require_finite(file, "C10_A", h.C10_A);
  require_finite(file, "C30_A", h.C30_A);
  require_positive(file, "electrons_per_pattern", h.electrons_per_pattern);
  if (!(h.dose_e_per_A2 >= 0 && std::isfinite(h.dose_e_per_A2))) {
    reject(file,
           fmt::format("dose_e_per_A2 = {}, expected 0 (no noise) or a positive number", h.dose_e_per_A2));
  }
}

/// A position is inside when the pixel nearest to it is.
void check_axis(const std::string& file, std::size_t index, const Position& p, char axis, double value,
                double pixel, int pixels) {
  const double low = -0.5 * pixel;
  const double high = (pixels - 0.5) * pixel;
  if (!(value >= low && value < high)) {
    reject(file,
           fmt::format("position {} at (y, x) = ({}, {}) A is outside the volume, expected {} in [{}, {}) A",
                       index, p.y, p.x, axis, low, high));
  }
}

void check_scan(const DatasetHeader& h, const std::string& file) {
  const auto n = static_cast<std::size_t>(h.scan.rows) * static_cast<std::size_t>(h.scan.columns);
  if (h.scan.rows < 1 || h.scan.columns < 1 || n < 2) {
    reject(file, fmt::format("scan of {} x {} positions, expected at least two positions", h.scan.rows,
                             h.scan.columns));
  }
  if (h.positions_A.size() != n) {
    reject(file, fmt::format("positions_A has {} positions, expected {} for a scan of {} x {}",
                             h.positions_A.size(), n, h.scan.rows, h.scan.columns));
  }
  require_finite(file, "scan_step_A along y", h.scan_step_A.y);
  require_finite(file, "scan_step_A along x", h.scan_step_A.x);
  for (std::size_t i = 0; i < n; ++i) {
    const Position& p = h.positions_A[i];
    check_axis(file, i, p, 'y', p.y, h.pixel.y, h.volume.y);
    check_axis(file, i, p, 'x', p.x, h.pixel.x, h.volume.x);
  }
}

void check_probe(const DatasetHeader& h, const std::string& file) {
  if (h.probe.size() != h.detector.area()) {
    reject(file, fmt::format("probe has {} pixels, expected the detector's {} x {}", h.probe.size(),
                             h.detector.y, h.detector.x));
  }
  double norm = 0;
  for (const Complex& c : h.probe) norm += std::norm(std::complex<double>(c));
  constexpr double tolerance = 1e-3; // far above complex64 rounding, far below a wrong convention
  if (!(std::abs(norm - 1) < tolerance)) {
    reject(file, fmt::format("probe has sum |probe|^2 = {}, expected 1", norm));
  }
}

} // namespace

hdf5::Handle type_of_counts(CountType type) {
  if (type == CountType::float16) return hdf5::half_type();
  const hid_t standard = type == CountType::uint16 ? H5T_STD_U16LE : H5T_IEEE_F32LE;
  return {hdf5::check(H5Tcopy(standard), "cannot copy a type"), H5Tclose};
}

void check_header(const DatasetHeader& header, const std::string& file) {
  check_grids(header, file);
  check_optics(header, file);
  check_scan(header, file);
  check_probe(header, file);
}

} // namespace ptychoscale::dataset_format
