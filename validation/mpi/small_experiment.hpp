#pragma once

#include "ptychoscale/io/dataset.hpp"
#include "ptychoscale/multislice/optics.hpp"
#include "ptychoscale/reconstruct/reconstruct.hpp"

#include <cmath>
#include <complex>
#include <span>
#include <vector>

namespace ptychoscale::test {

/// What differs between the experiments that tests reconstruct, in seconds and on any number of ranks.
struct SmallExperiment {
  Extent detector;
  PixelSize pixel; ///< angstrom
  int slices = 0;
  double slice_thickness_A = 0;
  Extent volume;
  ScanShape scan;
  PixelSize scan_step_A;
  Position first_A; ///< position of the scan
  double semiangle_mrad = 20;
  double C10_A = 0;
};

inline DatasetHeader header_of(const SmallExperiment& e) {
  DatasetHeader h;
  h.case_name = "small_experiment";
  h.detector = e.detector;
  h.pixel = e.pixel;
  h.slices = e.slices;
  h.slice_thickness_A = e.slice_thickness_A;
  h.volume = e.volume;
  h.scan = e.scan;
  h.scan_step_A = e.scan_step_A;
  h.energy_eV = 200e3;
  h.semiangle_mrad = e.semiangle_mrad;
  h.C10_A = e.C10_A;
  h.seed = 1;
  for (int y = 0; y < h.scan.rows; ++y)
    for (int x = 0; x < h.scan.columns; ++x)
      h.positions_A.push_back({e.first_A.y + e.scan_step_A.y * y, e.first_A.x + e.scan_step_A.x * x});
  h.probe = make_probe({h.energy_eV, h.semiangle_mrad, h.C10_A, 0, true}, h.detector, h.pixel);
  return h;
}

/// A smooth specimen without symmetry, [slice][y][x], V * angstrom.
inline std::vector<float> smooth_specimen(const DatasetHeader& h) {
  std::vector<float> v;
  for (int s = 0; s < h.slices; ++s)
    for (int y = 0; y < h.volume.y; ++y)
      for (int x = 0; x < h.volume.x; ++x)
        v.push_back(static_cast<float>(120 + 80 * std::sin(0.31 * y + s) * std::cos(0.27 * x - 0.5 * s) +
                                       40 * std::sin(0.013 * x * y)));
  return v;
}

/// Patterns of no specimen: the beam, mottled otherwise at every position.
inline Acquisition mottled(const DatasetHeader& header) {
  return {header, [&header](int position, std::span<float> amplitudes) {
            for (std::size_t i = 0; i < amplitudes.size(); ++i)
              amplitudes[i] =
                  std::abs(header.probe[i]) *
                  (0.8F + 0.2F * std::sin(0.7F * static_cast<float>(i) + static_cast<float>(position)));
          }};
}

} // namespace ptychoscale::test
