#pragma once

#include <array>
#include <cstddef>

namespace ptychoscale::crystal {

/// Tetragonal PbTiO3 at room temperature, P4mm, polar axis z along the beam; lengths in angstrom.
inline constexpr double a_A = 3.904;
inline constexpr double c_A = 4.152;

struct Element {
  int atomic_number;
  const char* symbol;
};
inline constexpr std::array<Element, 3> elements{{{82, "Pb"}, {22, "Ti"}, {8, "O"}}};

/// A site of the unit cell, in fractions of its edges.
struct Site {
  std::size_t element; ///< index into `elements`
  double z, y, x;
};
inline constexpr std::array<Site, 5> unit_cell{{
    {0, 0.0, 0.0, 0.0},
    {1, 0.538, 0.5, 0.5},
    {2, 0.1118, 0.5, 0.5}, // O1
    {2, 0.6174, 0.0, 0.5}, // O2
    {2, 0.6174, 0.5, 0.0}, // O2
}};

} // namespace ptychoscale::crystal
