#include "crystal.hpp"
#include "header_fields.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/host_memory.hpp"
#include "ptychoscale/multislice/optics.hpp"
#include "ptychoscale/simulate/parameters.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>

namespace ptychoscale {
namespace {

// Offsets of `count` points `step` apart, centred on `centre`.
std::vector<double> centred_line(int count, double step, double centre) {
  std::vector<double> line;
  for (int i = 0; i < count; ++i) line.push_back(centre + (i - (count - 1) / 2.0) * step);
  return line;
}

std::vector<double> scan_rows_A(const SimulationParameters& p) {
  return centred_line(p.scan.rows, p.scan_step_A.y, (p.volume.y - 1) / 2.0 * p.pixel_A.y);
}

std::vector<double> scan_columns_A(const SimulationParameters& p) {
  return centred_line(p.scan.columns, p.scan_step_A.x, (p.volume.x - 1) / 2.0 * p.pixel_A.x);
}

std::vector<Position> centred_raster(const SimulationParameters& p) {
  const auto rows = scan_rows_A(p);
  const auto columns = scan_columns_A(p);
  std::vector<Position> positions;
  positions.reserve(rows.size() * columns.size());
  for (const double y : rows)
    for (const double x : columns) positions.push_back({y, x});
  return positions;
}

int pixels_needed(int count, double step_A, double radius_A, double pixel_A) {
  const double pixels = std::ceil(((count - 1) * step_A + 2 * radius_A) / pixel_A - 1e-9);
  return static_cast<int>(std::min<double>(pixels, std::numeric_limits<int>::max()));
}

// The raster is centred, so that its first position is as close to the borders as any.
void check_circles(const SimulationParameters& p, const Position& first, double radius_A) {
  const Extent needed{pixels_needed(p.scan.rows, p.scan_step_A.y, radius_A, p.pixel_A.y),
                      pixels_needed(p.scan.columns, p.scan_step_A.x, radius_A, p.pixel_A.x)};
  if (p.volume.y < needed.y || p.volume.x < needed.x)
    throw InputError(fmt::format("{}: field 'volume' is {} x {} pixels; the circle of radius {:.4g} A "
                                 "at position 0, ({:.4g}, {:.4g}) A, "
                                 "leaves it; it must be at least {} x {}",
                                 title(p), p.volume.y, p.volume.x, radius_A, first.y, first.x,
                                 std::max(needed.y, p.volume.y), std::max(needed.x, p.volume.x)));
}

/// Ideal conditions are not mentioned.
nlohmann::json departures(const Conditions& c) {
  auto all = nlohmann::json::object();
  const std::pair<const char*, double> values[] = {{"C10_error_A", c.C10_error_A},
                                                   {"position_jitter_A", c.position_jitter_A},
                                                   {"source_size_A", c.source_size_A},
                                                   {"detector_blur_px", c.detector_blur_px}};
  for (const auto& [key, value] : values)
    if (value != 0) all[key] = value;
  return all;
}

std::string describe(const SpecimenParameters& s, const Conditions& conditions) {
  nlohmann::json description{
      {"material", "PbTiO3"},
      {"space_group", "P4mm"},
      {"a_A", crystal::a_A},
      {"c_A", crystal::c_A},
      {"factors", name(s.factors)},
      {"thermal", name(s.thermal)},
      {"B_A2", s.B_A2},
      {"domain_wall", s.domain_wall},
      {"domain_wall_shift_A", s.domain_wall_shift_A},
      {"vacancy_fraction", s.vacancy_fraction},
      {"disorder_A", s.disorder_A},
  };
  if (const auto real = departures(conditions); !real.empty()) description["conditions"] = real;
  return description.dump();
}

/// Positions and probe are made as a whole.
void check_memory(const SimulationParameters& p) {
  constexpr double per_pixel = sizeof(std::complex<double>) + sizeof(Complex);
  const double probe = per_pixel * static_cast<double>(p.detector.area());
  const double positions = sizeof(Position) * static_cast<double>(p.scan.rows) * p.scan.columns;
  const auto memory = host_memory();
  const double left = static_cast<double>(memory.available) - probe;
  require_memory(probe + positions,
                 fmt::format("{}: the header of {} x {} positions and {} x {} pixels", title(p), p.scan.rows,
                             p.scan.columns, p.detector.y, p.detector.x),
                 left > 2 * sizeof(Position)
                     ? fmt::format("at most {:.0f} positions", std::floor(left / sizeof(Position)))
                     : fmt::format("a detector of at most {:.0f} pixels",
                                   static_cast<double>(memory.available) / per_pixel),
                 memory);
}

} // namespace

DatasetHeader header_fields(const SimulationParameters& p) {
  DatasetHeader header;
  header.case_name = p.name;
  header.detector = p.detector;
  header.pixel = p.pixel_A;
  header.slices = p.slices;
  header.slice_thickness_A = p.slice_thickness_A;
  header.volume = p.volume;
  header.scan = p.scan;
  header.scan_step_A = p.scan_step_A;
  header.energy_eV = p.energy_eV;
  header.semiangle_mrad = p.semiangle_mrad;
  header.C10_A = p.C10_A;
  header.C30_A = p.C30_A;
  header.aberrations = p.aberrations;
  header.soft_aperture = p.soft_aperture;
  header.dose_e_per_A2 = p.dose_e_per_A2;
  if (p.dose_e_per_A2 > 0) header.electrons_per_pattern = p.dose_e_per_A2 * p.scan_step_A.y * p.scan_step_A.x;
  header.seed = p.seed;
  return header;
}

DatasetHeader make_header(const SimulationParameters& p) {
  check(p);
  DatasetHeader header = header_fields(p);
  const Optics optics = optics_of(header);
  check_circles(p, {scan_rows_A(p).front(), scan_columns_A(p).front()}, circle_radius_A(optics));
  check_memory(p);
  header.positions_A = centred_raster(p);
  header.specimen_json = describe(p.specimen, p.conditions);
  header.probe = make_probe(optics, p.detector, p.pixel_A);
  return header;
}

} // namespace ptychoscale
