#include "ptychoscale/simulate/specimen.hpp"

#include "counter_random.hpp"
#include "crystal.hpp"
#include "ptychoscale/base/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace ptychoscale {
namespace {

/// A site this close to a far border is the first of the next period; larger than rounding, smaller than
/// anything else.
constexpr double border_A = 1e-6;

/// A point of the volume, angstrom.
struct Point {
  double z, y, x;
};

/// Indices of a unit cell from the volume's first corner.
struct Cell {
  int z, y, x;
};

int cells_along(double length_A, double edge_A) { return static_cast<int>(std::ceil(length_A / edge_A)); }

double wrap(double value, double period) {
  const double wrapped = value - period * std::floor(value / period);
  return wrapped < period ? wrapped : 0.0;
}

// Random words of one site for one purpose.
std::array<std::uint32_t, 4> words(std::uint64_t seed, const Cell& cell, std::size_t site,
                                   RandomStream stream) {
  const auto purpose = static_cast<std::uint32_t>(stream) << 8 | static_cast<std::uint32_t>(site);
  return philox({static_cast<std::uint32_t>(cell.z), static_cast<std::uint32_t>(cell.y),
                 static_cast<std::uint32_t>(cell.x), purpose},
                seed);
}

} // namespace

struct Specimen::Impl {
  explicit Impl(const SimulationParameters& p);

  [[nodiscard]] Point lattice_point(const Cell& cell, const crystal::Site& site) const;
  [[nodiscard]] bool inside(const Point& point) const;
  [[nodiscard]] bool vacant(const Cell& cell, std::size_t site) const;
  [[nodiscard]] Point displaced(Point point, const Cell& cell, std::size_t site) const;
  [[nodiscard]] int slice_of(double z_A) const;

  std::uint64_t seed;
  SpecimenParameters specimen;
  int slices;
  double slice_thickness_A, depth_A, height_A, width_A;
  int first_reversed_cell; ///< along x, just behind the domain wall
  std::array<double, 3>
      vibration_A{}; ///< rms displacement per axis by element; zero unless phonons are frozen
  std::array<double, 3>
      damping_A2{}; ///< Debye-Waller factor by element; zero unless it stands for the vibration
  double reach_A;   ///< no atom is displaced further than this along an axis
};

Specimen::Impl::Impl(const SimulationParameters& p)
    : seed(p.seed), specimen(p.specimen), slices(p.slices), slice_thickness_A(p.slice_thickness_A),
      depth_A(p.slices * p.slice_thickness_A), height_A(p.volume.y * p.pixel_A.y),
      width_A(p.volume.x * p.pixel_A.x) {
  first_reversed_cell = specimen.domain_wall < 0
                            ? cells_along(width_A, crystal::a_A)
                            : static_cast<int>(std::lround(specimen.domain_wall * width_A / crystal::a_A));
  for (std::size_t e = 0; e < crystal::elements.size(); ++e) {
    if (specimen.thermal == Thermal::none) continue;
    const double B = specimen.B_A2.at(crystal::elements[e].symbol);
    if (specimen.thermal == Thermal::debye_waller) damping_A2[e] = B;
    if (specimen.thermal == Thermal::frozen_phonon) vibration_A[e] = std::sqrt(B / 8) / std::numbers::pi;
  }
  reach_A =
      largest_normal * (specimen.disorder_A + *std::max_element(vibration_A.begin(), vibration_A.end()));
}

// Where the perfect crystal has the atom; behind the wall the cell is mirrored at its Pb plane, z = 0, which
// stays.
Point Specimen::Impl::lattice_point(const Cell& cell, const crystal::Site& site) const {
  const bool reversed = cell.x >= first_reversed_cell;
  const double z = reversed && site.z > 0 ? 1 - site.z : site.z;
  return {(cell.z + z) * crystal::c_A, (cell.y + site.y) * crystal::a_A, (cell.x + site.x) * crystal::a_A};
}

bool Specimen::Impl::inside(const Point& point) const {
  return point.z < depth_A - border_A && point.y < height_A - border_A && point.x < width_A - border_A;
}

bool Specimen::Impl::vacant(const Cell& cell, std::size_t site) const {
  return uniform(words(seed, cell, site, RandomStream::vacancy)[0]) < specimen.vacancy_fraction;
}

Point Specimen::Impl::displaced(Point point, const Cell& cell, std::size_t site) const {
  if (cell.x >= first_reversed_cell) point.y += specimen.domain_wall_shift_A;
  const auto shift = [&](double rms_A, RandomStream stream) {
    if (!(rms_A > 0)) return;
    const auto [z, y, x] = normals(words(seed, cell, site, stream));
    point = {point.z + rms_A * z, point.y + rms_A * y, point.x + rms_A * x};
  };
  shift(specimen.disorder_A, RandomStream::disorder);
  shift(vibration_A[crystal::unit_cell[site].element], RandomStream::vibration);
  return {std::clamp(point.z, 0.0, depth_A), wrap(point.y, height_A), wrap(point.x, width_A)};
}

int Specimen::Impl::slice_of(double z_A) const {
  return std::min(static_cast<int>(std::floor(z_A / slice_thickness_A)), slices - 1);
}

Specimen::Specimen(const SimulationParameters& parameters) {
  check(parameters);
  impl_ = std::make_shared<const Impl>(parameters);
}

std::vector<SpeciesInSlice> Specimen::slice(int s) const {
  const Impl& film = *impl_;
  if (s < 0 || s >= film.slices)
    throw InputError(fmt::format("slice {} does not exist; valid: 0 to {}", s, film.slices - 1));
  std::array<SpeciesInSlice, crystal::elements.size()> species;
  for (std::size_t e = 0; e < species.size(); ++e)
    species[e] = {crystal::elements[e].atomic_number, film.damping_A2[e], {}};

  // Only cells whose atoms can be displaced into the slice.
  const double front_A = s * film.slice_thickness_A - film.reach_A - border_A;
  const double back_A = (s + 1) * film.slice_thickness_A + film.reach_A + border_A;
  const int first = std::max(0, static_cast<int>(std::floor(front_A / crystal::c_A)));
  const int last = cells_along(std::min(back_A, film.depth_A), crystal::c_A);
  const int rows = cells_along(film.height_A, crystal::a_A);
  const int columns = cells_along(film.width_A, crystal::a_A);
  for (Cell cell{first, 0, 0}; cell.z < last; ++cell.z)
    for (cell.y = 0; cell.y < rows; ++cell.y)
      for (cell.x = 0; cell.x < columns; ++cell.x)
        for (std::size_t site = 0; site < crystal::unit_cell.size(); ++site) {
          const Point point = film.lattice_point(cell, crystal::unit_cell[site]);
          if (point.z < front_A || point.z > back_A || !film.inside(point) || film.vacant(cell, site))
            continue;
          const Point atom = film.displaced(point, cell, site);
          if (film.slice_of(atom.z) == s)
            species[crystal::unit_cell[site].element].sites.push_back({atom.y, atom.x});
        }

  std::vector<SpeciesInSlice> present;
  for (SpeciesInSlice& one : species)
    if (!one.sites.empty()) present.push_back(std::move(one));
  return present;
}

} // namespace ptychoscale
