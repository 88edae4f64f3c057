#pragma once

#include "ptychoscale/simulate/parameters.hpp"
#include "ptychoscale/simulate/potential.hpp"

#include <memory>
#include <vector>

namespace ptychoscale {

/// The specimen's atoms by slice, generated on demand; the same seed gives the same atoms whatever the
/// slicing.
///
/// Cells stand side by side from the volume's pixel (0, 0) at the entrance surface and fill it to all
/// borders; sites past the volume's width, height or depth are left out, so the outermost cells are cut where
/// the volume is not a whole number of cells and meet the first ones there (the potential is periodic). An
/// atom displaced across a lateral border re-enters on the other side; one displaced out of the depth stays
/// at the surface. Behind the domain wall, which is the Pb plane nearest to the fraction asked for
/// (Pb-centred: Meyer and Vanderbilt, PRB 65, 104111 (2002)), the cells are mirrored at their Pb plane normal
/// to the beam, z -> 1 - z; the periodic seam at x = 0 is then a second wall.
class Specimen {
public:
  /// Throws InputError as `check`.
  [[nodiscard]] explicit Specimen(const SimulationParameters& parameters);
  /// Atoms with z in [s, s + 1) slice thicknesses, one entry per element that is there (O1 and O2 together).
  /// Throws InputError for a slice that does not exist. Thread-safe.
  [[nodiscard]] std::vector<SpeciesInSlice> slice(int s) const;

private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

} // namespace ptychoscale
