#include "ptychoscale/io/experiment.hpp"

#include "ptychoscale/base/physics.hpp"
#include "ptychoscale/io/masks.hpp"
#include "ptychoscale/io/neighbours.hpp"
#include "ptychoscale/multislice/optics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace ptychoscale {
namespace {

/// Keeps the first complaint.
class Ranges {
public:
  void require(bool valid, std::string_view field, double value, std::string_view expected) {
    if (!valid && !first_) first_ = Complaint{std::string(field), value, std::string(expected)};
  }
  void within(std::string_view field, double value, double lowest, double highest,
              std::string_view unit = "") {
    require(value >= lowest && value <= highest, field, value,
            fmt::format("from {} to {}{}", lowest, highest, unit));
  }
  /// The same for y and x.
  template <class Pair>
  void both(std::string_view field, const Pair& yx, double lowest, double highest,
            std::string_view unit = "") {
    within(fmt::format("{}.y", field), yx.y, lowest, highest, unit);
    within(fmt::format("{}.x", field), yx.x, lowest, highest, unit);
  }
  [[nodiscard]] bool passed() const { return !first_; }
  [[nodiscard]] std::optional<Complaint> first() && { return std::move(first_); }

private:
  std::optional<Complaint> first_;
};

void check_grid(Ranges& r, const DatasetHeader& h) {
  r.both("detector", h.detector, 1, 16384); // the largest cameras have half of that
  r.both("pixel_A", h.pixel, 1e-3, 100);
  r.both("volume", h.volume, 1, 1 << 20);
  r.within("slices", h.slices, 1, 100'000);
  r.within("slice_thickness_A", h.slice_thickness_A, 1e-3, 1e5);
  r.within("scan.rows", h.scan.rows, 1, 1 << 20);
  r.within("scan.columns", h.scan.columns, 1, 1 << 20);
  const double positions = static_cast<double>(h.scan.rows) * h.scan.columns;
  r.require(positions >= 2 && positions <= std::numeric_limits<int>::max(), "scan.rows x scan.columns",
            positions, fmt::format("at least two positions and at most {}", std::numeric_limits<int>::max()));
  r.both("scan_step_A", h.scan_step_A, 1e-4, 1e5);
}

void check_optics(Ranges& r, const DatasetHeader& h) {
  r.within("energy_eV", h.energy_eV, 10e3, 1000e3, " (eV, not keV)");
  r.within("semiangle_mrad", h.semiangle_mrad, 1e-3, 500, " (mrad)");
  r.within("C10_A", h.C10_A, -1e6, 1e6); // a tenth of a millimetre
  r.within("C30_A", h.C30_A, -1e9, 1e9); // a decimetre; uncorrected lenses have millimetres
  for (const auto& term : aberration_terms) {
    const Aberration& a = h.aberrations.*term.member;
    r.within(fmt::format("{}_A", term.name), a.magnitude_A, 0, term.n == 1 ? 1e6 : 1e9,
             fmt::format(" (A; the opposite of one is turned by {:.4g} degrees)", 180.0 / term.m));
    r.within(fmt::format("{}_angle_deg", term.name), a.angle_deg, -360, 360, " (degrees)");
  }
  r.within("dose_e_per_A2", h.dose_e_per_A2, 0, 1e12);
  r.within("electrons_per_pattern", h.electrons_per_pattern, 1e-9, 1e18);
}

/// What only follows from several fields, once each for itself is sensible.
void check_probe_on_grid(Ranges& r, const DatasetHeader& h) {
  const double largest_mrad = 1e3 * electron_wavelength_A(h.energy_eV) / (2 * std::max(h.pixel.y, h.pixel.x));
  r.require(
      h.semiangle_mrad <= largest_mrad, "semiangle_mrad", h.semiangle_mrad,
      fmt::format("at most {:.4g}, which pixels of {} x {} A can carry", largest_mrad, h.pixel.y, h.pixel.x));
  const double diameter_A = 2 * circle_radius_A(optics_of(h));
  const auto fits = [&](std::string_view name, int pixels, double pixel_A) {
    r.require(pixels * pixel_A >= diameter_A, name, pixels,
              fmt::format("at least {:.0f}, so that the probe's circle of {:.4g} A fits the window",
                          std::ceil(diameter_A / pixel_A), diameter_A));
  };
  fits("detector.y", h.detector.y, h.pixel.y);
  fits("detector.x", h.detector.x, h.pixel.x);
}

/// Length of the mean vector from one position to the next of `lines` lines.
double mean_step(const Position& first, const Position& last, int lines, double nominal) {
  return lines < 2 ? nominal : std::hypot(last.y - first.y, last.x - first.x) / (lines - 1);
}

double median(std::vector<double> all) {
  const auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
  std::ranges::nth_element(all, middle);
  return *middle;
}

/// From every position that is not left out to the nearest of the others.
std::vector<double> distances_in_use(const DatasetHeader& h) {
  std::vector<Position> all;
  for (std::size_t i = 0; i < h.positions_A.size(); ++i)
    if (is_used(h, i)) all.push_back(h.positions_A[i]);
  return nearest_distances_A(all);
}

} // namespace

std::optional<Complaint> first_out_of_range(const DatasetHeader& header) {
  Ranges ranges;
  check_grid(ranges, header);
  check_optics(ranges, header);
  if (ranges.passed()) check_probe_on_grid(ranges, header);
  return std::move(ranges).first();
}

std::string place_of(const DatasetHeader& h, int position) {
  if (h.scattered) return fmt::format("position {}", position);
  return fmt::format("position {} (scan row {}, column {})", position, position / h.scan.columns,
                     position % h.scan.columns);
}

PixelSize step_of_positions(const DatasetHeader& h) {
  const auto& all = h.positions_A;
  const auto columns = static_cast<std::size_t>(h.scan.columns);
  double y = 0;
  double x = 0;
  for (std::size_t column = 0; column < columns; ++column)
    y += mean_step(all[column], all[all.size() - columns + column], h.scan.rows, h.scan_step_A.y);
  for (std::size_t row = 0; row < all.size(); row += columns)
    x += mean_step(all[row], all[row + columns - 1], h.scan.columns, h.scan_step_A.x);
  return {y / h.scan.columns, x / h.scan.rows};
}

bool steps_agree(const DatasetHeader& h) {
  constexpr double tolerance = 0.1;
  const auto found = step_of_positions(h);
  return std::abs(found.y - h.scan_step_A.y) <= tolerance * h.scan_step_A.y &&
         std::abs(found.x - h.scan_step_A.x) <= tolerance * h.scan_step_A.x;
}

double widest_circle_A(const DatasetHeader& h) {
  auto optics = optics_of(h);
  const double entrance_A = circle_radius_A(optics);
  optics.C10_A += h.slices * h.slice_thickness_A;
  return std::max(entrance_A, circle_radius_A(optics));
}

double typical_distance_A(const DatasetHeader& h) { return median(distances_in_use(h)); }

std::optional<std::string> complaint_of_scattered(const DatasetHeader& h) {
  constexpr double tolerance = 5; // far above a random scan's spread, below the confusion of units
  const double nominal = std::sqrt(h.scan_step_A.y * h.scan_step_A.x);
  const auto distances = distances_in_use(h);
  const double typical = median(distances);
  if (typical > 0 && !(typical > nominal / tolerance && typical < nominal * tolerance))
    return fmt::format(
        "scan_step_A = [{}, {}], but the typical distance between neighbours in positions_A is "
        "{:.4g} A; expected the same within a factor of {:.0f}",
        h.scan_step_A.y, h.scan_step_A.x, typical, tolerance);
  const double least = std::ranges::min(distances);
  const double diameter = 2 * widest_circle_A(h);
  if (least < diameter) return std::nullopt;
  return fmt::format(
      "no two of the {} positions are less than {:.4g} A apart, but the probe's circles of {:.4g} A "
      "only overlap below their diameter, {:.4g} A; expected closer positions, or more defocus",
      patterns_in_use(h), least, diameter / 2, diameter);
}

double circle_overlap(const DatasetHeader& h) {
  const double radius_A = widest_circle_A(h);
  if (h.scattered) return 1 - typical_distance_A(h) / (2 * radius_A);
  double step_A = 0;
  if (h.scan.rows > 1) step_A = h.scan_step_A.y;
  if (h.scan.columns > 1) step_A = std::max(step_A, h.scan_step_A.x);
  return 1 - step_A / (2 * radius_A);
}

std::optional<std::string> complaint_of_overlap(const DatasetHeader& h) {
  const double overlap = circle_overlap(h);
  if (overlap > 0) return std::nullopt;
  if (h.scattered)
    return fmt::format(
        "most positions are {:.4g} A or more from all others, which leaves the probe's circles apart "
        "(overlap {:.0f} %); choose closer positions or more defocus",
        typical_distance_A(h), 100 * overlap);
  return fmt::format(
      "scan steps of {} x {} A leave the probe's circles apart (overlap {:.0f} %): neighbouring "
      "patterns constrain nothing together; choose smaller steps or more defocus",
      h.scan_step_A.y, h.scan_step_A.x, 100 * overlap);
}

} // namespace ptychoscale
