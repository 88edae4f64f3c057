#pragma once

#include "ptychoscale/base/box.hpp"
#include "ptychoscale/compute/backend.hpp"
#include "ptychoscale/simulate/parameters.hpp"

#include <span>
#include <vector>

namespace ptychoscale {

/// How an experiment departs from what is written down of it (see Conditions): everything here is what
/// happened, while the dataset's header keeps what a solver is told.

/// The probe with the defocus that it had, as make_probe().
[[nodiscard]] std::vector<Complex> actual_probe(const SimulationParameters& parameters);

/// Where position `index` was, angstrom: as told, and a seeded normal deviate along either axis.
[[nodiscard]] Position actual_position(const SimulationParameters& parameters, int index, Position told);

/// A point of the source as seen on the specimen; patterns of all points add up incoherently.
struct SourcePoint {
  Position offset_A;
  double weight = 1; ///< all together 1
};
/// 3 x 3 points of Gauss-Hermite quadrature, exact for patterns that change with position as polynomials up
/// to the fifth order along either axis; one for a source without size.
[[nodiscard]] std::vector<SourcePoint> source_points(const Conditions& conditions);

/// Spreads what every pixel of a pattern [ky][kx] receives over its neighbours, a normal distribution of
/// `sigma_px` whose borders meet; keeps the sum. Nothing for 0.
void blur(std::span<float> pattern, Extent detector, double sigma_px);

} // namespace ptychoscale
