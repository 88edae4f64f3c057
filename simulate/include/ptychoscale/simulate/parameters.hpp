#pragma once

#include "ptychoscale/base/box.hpp"
#include "ptychoscale/geometry/tiling.hpp"
#include "ptychoscale/io/dataset.hpp"
#include "ptychoscale/simulate/scattering_factors.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace ptychoscale {

/// How the atoms' vibration enters.
enum class Thermal {
  none,          ///< atoms at rest
  debye_waller,  ///< scattering factors damped by exp(-B k^2 / 4)
  frozen_phonon, ///< one seeded snapshot: Gaussian displacements of rms sqrt(B / (8 pi^2)) per axis
};
[[nodiscard]] Thermal thermal(std::string_view name);
[[nodiscard]] std::string_view name(Thermal thermal);

/// A tetragonal PbTiO3 film (P4mm, beam along [001]) with what makes a border error visible.
struct SpecimenParameters {
  ScatteringFactors factors = ScatteringFactors::lobato;
  Thermal thermal = Thermal::debye_waller;
  std::map<std::string, double> B_A2 = {{"Pb", 0.9}, {"Ti", 0.45}, {"O", 0.7}}; ///< Debye-Waller factors
  double domain_wall =
      0.5; ///< fraction of the volume's width where the polarisation reverses; negative: none
  double domain_wall_shift_A =
      0.0; ///< rigid in-plane shift, along y, of the domain behind the wall; an ideal wall has none
  double vacancy_fraction = 0.0; ///< of all sites, seeded
  double disorder_A = 0.0;       ///< rms static displacement per axis, seeded
};

/// How the experiment departs from what a solver is told of it. The departures, all zero by default, are kept
/// in the dataset beside the specimen's parameters.
struct Conditions {
  double C10_error_A = 0;       ///< what the probe's C10 has on top of the one that is told
  double position_jitter_A = 0; ///< rms deviation of every probe position along either axis, seeded
  double source_size_A = 0;     ///< rms size of the incoherent source along either axis, on the specimen
  double detector_blur_px = 0;  ///< rms spread of an electron over the detector's pixels
  bool operator==(const Conditions&) const = default;
};

/// All that defines a simulated dataset; `bench/cases/*.json` hold these.
struct SimulationParameters {
  std::string name;
  std::string file; ///< the user's, which errors name; empty: one that comes with the project, or none
  Extent detector;  ///< pixels
  PixelSize pixel_A;
  Extent volume; ///< pixels
  int slices = 0;
  double slice_thickness_A = 1.25;
  ScanShape scan;
  PixelSize scan_step_A; ///< the raster is centred in the volume
  double energy_eV = 200e3;
  double semiangle_mrad = 30;
  double C10_A = -250;
  double C30_A = 0;
  Aberrations aberrations; ///< that are not round
  bool soft_aperture = true;
  double dose_e_per_A2 = 0; ///< 0: no Poisson noise
  std::uint64_t seed = 1;
  SpecimenParameters specimen;
  Conditions conditions;
};

/// What errors call it: the file, if there is one, else the case by its name.
[[nodiscard]] std::string title(const SimulationParameters& parameters);

/// Throws InputError naming the case, the first field that cannot be used, its value and what would be valid.
void check(const SimulationParameters& parameters);

/// Checks every field and gives the dataset's header (raster, probe, electrons per pattern = dose x step
/// area, or 1 without noise). The raster's centre is the volume's, pixel ((ny - 1) / 2, (nx - 1) / 2). Throws
/// InputError naming the field; when a circle leaves the volume, also the position and the smallest volume
/// that holds all circles.
[[nodiscard]] DatasetHeader make_header(const SimulationParameters& parameters);

} // namespace ptychoscale
