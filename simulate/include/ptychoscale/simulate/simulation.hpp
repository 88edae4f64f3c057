#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ptychoscale/base/box.hpp"
#include "ptychoscale/compute/backend.hpp"
#include "ptychoscale/io/dataset.hpp"

namespace ptychoscale {

enum class ScatteringFactors { lobato, kirkland };
enum class Thermal { none, debye_waller, frozen_phonon };

/// A tetragonal PbTiO3 film (P4mm, beam along [001]) with what makes a border error visible.
struct SpecimenParameters {
  ScatteringFactors factors = ScatteringFactors::lobato;
  Thermal thermal = Thermal::debye_waller;
  std::map<std::string, double> B_A2 = {{"Pb", 0.9}, {"Ti", 0.45}, {"O", 0.7}};  ///< Debye-Waller factors
  double domain_wall = 0.5;          ///< fraction of the volume's width where the polarisation reverses; negative: none
  double vacancy_fraction = 0.0;     ///< of all sites, seeded
  double disorder_A = 0.0;           ///< rms static displacement per axis, seeded
};

/// All that defines a simulated dataset; `bench/cases/*.json` hold these.
struct SimulationParameters {
  std::string name;
  Extent detector;                   ///< pixels
  PixelSize pixel_A;
  Extent volume;                     ///< pixels
  int slices = 0;
  double slice_thickness_A = 1.25;
  ScanShape scan;
  PixelSize scan_step_A;             ///< the raster is centred in the volume
  double energy_eV = 200e3;
  double semiangle_mrad = 30;
  double C10_A = -250;
  double C30_A = 0;
  bool soft_aperture = true;
  double dose_e_per_A2 = 0;          ///< 0: no Poisson noise
  std::uint64_t seed = 1;
  SpecimenParameters specimen;
};

/// Checks every field and gives the dataset's header (raster, probe, electrons per pattern = dose x step area, or 1 without noise).
/// Throws InputError naming the field, e.g. when a circle leaves the volume.
[[nodiscard]] DatasetHeader make_header(const SimulationParameters& parameters);

/// Atoms of one species in one slice; x, y in angstrom.
struct SpeciesInSlice {
  int atomic_number = 0;
  double B_A2 = 0;                   ///< Debye-Waller factor applied to the scattering factor; 0: none
  std::vector<Position> sites;
};

/// The specimen's atoms by slice (an atom belongs to the slice that contains its z). Same seed, same atoms.
class Specimen {
 public:
  [[nodiscard]] explicit Specimen(const SimulationParameters& parameters);
  [[nodiscard]] std::vector<SpeciesInSlice> slice(int s) const;

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

/// Projected potential [y][x] in V * angstrom, fp64, of one slice on a periodic grid: the structure-factor sum of infinitely
/// projected atoms, evaluated directly (`exact`) or, equal to 1e-9, by a type-1 non-uniform FFT.
class PotentialGenerator {
 public:
  enum class Sum { exact, nufft };
  [[nodiscard]] PotentialGenerator(Extent extent, PixelSize pixel, ScatteringFactors factors, Sum sum, int threads);
  ~PotentialGenerator();
  PotentialGenerator(PotentialGenerator&&) noexcept;
  [[nodiscard]] std::vector<double> slice(std::span<const SpeciesInSlice> atoms);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Counts of one position: intensities [ky][kx] scaled to the electrons per pattern, with Poisson noise when the header has a dose.
/// The noise depends on (seed, position) only.
void apply_dose(const DatasetHeader& header, int position, std::span<float> intensities);

}  // namespace ptychoscale
