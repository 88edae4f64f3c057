#include "dataset_format.hpp"

#include "ptychoscale/base/error.hpp"
#include "ptychoscale/io/experiment.hpp"
#include "ptychoscale/multislice/probe_modes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace ptychoscale::dataset_format {
namespace {

[[noreturn]] void reject(const std::string& file, const std::string& message) {
  throw InputError(fmt::format("'{}': {}", file, message));
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
  if (h.positions_A.size() != n) {
    reject(file, fmt::format("positions_A has {} positions, expected {} for a scan of {} x {}",
                             h.positions_A.size(), n, h.scan.rows, h.scan.columns));
  }
  for (std::size_t i = 0; i < n; ++i) {
    const Position& p = h.positions_A[i];
    check_axis(file, i, p, 'y', p.y, h.pixel.y, h.volume.y);
    check_axis(file, i, p, 'x', p.x, h.pixel.x, h.volume.x);
  }
  if (h.scattered) {
    if (const auto wrong = complaint_of_scattered(h)) reject(file, *wrong);
  } else if (!steps_agree(h)) {
    const auto found = step_of_positions(h);
    reject(file,
           fmt::format("scan_step_A = [{}, {}], but positions_A has steps of [{:.4g}, {:.4g}] A; expected "
                       "the same within 10 %",
                       h.scan_step_A.y, h.scan_step_A.x, found.y, found.x));
  }
}

void check_probe(const DatasetHeader& h, const std::string& file) {
  if (h.probe.size() != static_cast<std::size_t>(probe_modes(h)) * h.detector.area() || h.probe.empty()) {
    reject(file, fmt::format("probe has {} pixels, expected the detector's {} x {}", h.probe.size(),
                             h.detector.y, h.detector.x));
  }
  const auto powers = powers_of(h.probe, h.detector.area());
  constexpr double tolerance = 1e-3; // far above complex64 rounding, far below a wrong convention
  if (const double norm = std::accumulate(powers.begin(), powers.end(), 0.0);
      !(std::abs(norm - 1) < tolerance)) {
    reject(file, fmt::format("probe has sum |probe|^2 = {}, expected 1", norm));
  }
  for (std::size_t m = 1; m < powers.size(); ++m)
    if (!(powers[m] > 0 && powers[m] <= (1 + tolerance) * powers[m - 1]))
      reject(file, fmt::format("mode {} of probe has sum |probe|^2 = {:.6g} after {:.6g} of the one before, "
                               "expected more than 0, and the strongest first",
                               m, powers[m], powers[m - 1]));
}

/// A mask has a value for each of `expected`, and hides some but not all.
void check_mask(const std::vector<std::uint8_t>& mask, std::size_t expected, std::size_t least,
                const std::string& name, const std::string& file) {
  if (mask.empty()) return;
  if (mask.size() != expected)
    reject(file, fmt::format("{} has {} values, expected {}", name, mask.size(), expected));
  const auto used = mask.size() - static_cast<std::size_t>(std::ranges::count(mask, 0));
  if (used < least)
    reject(file,
           fmt::format("{} leaves {} of {} in use, expected at least {}", name, used, mask.size(), least));
}

} // namespace

hdf5::Handle type_of_counts(CountType type) {
  if (type == CountType::float16) return hdf5::half_type();
  const hid_t standard = type == CountType::uint16 ? H5T_STD_U16LE : H5T_IEEE_F32LE;
  return {hdf5::check(H5Tcopy(standard), "cannot copy a type"), H5Tclose};
}

void check_ranges(const DatasetHeader& h, const std::string& file) {
  if (const auto wrong = first_out_of_range(h))
    reject(file, fmt::format("{} = {}, expected {}", wrong->field, wrong->value, wrong->expected));
}

void check_header(const DatasetHeader& header, const std::string& file) {
  check_ranges(header, file);
  check_mask(header.pixels_used, header.detector.area(), 1, "pixels_used", file);
  check_mask(header.patterns_used, header.positions_A.size(), 2, "patterns_used", file);
  check_scan(header, file);
  check_probe(header, file);
}

} // namespace ptychoscale::dataset_format
