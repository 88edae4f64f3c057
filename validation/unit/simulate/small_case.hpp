#pragma once

#include "ptychoscale/simulate/simulation.hpp"

#include <cmath>
#include <cstddef>
#include <vector>

namespace ptychoscale::test {

/// A few cells with unequal pixels, nothing random, and a raster whose circles (7.5 A) just fit.
inline SimulationParameters small_case() {
  SimulationParameters p;
  p.name = "small";
  p.detector = {96, 80};
  p.pixel_A = {0.2, 0.25};
  p.volume = {120, 100};
  p.slices = 10;
  p.slice_thickness_A = 1.25;
  p.scan = {2, 3};
  p.scan_step_A = {3, 2};
  return p;
}

/// Relative L2 distance of two fields.
inline double relative_l2(const std::vector<double>& a, const std::vector<double>& reference) {
  double difference = 0;
  double norm = 0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    difference += (a[i] - reference[i]) * (a[i] - reference[i]);
    norm += reference[i] * reference[i];
  }
  return std::sqrt(difference / norm);
}

inline std::size_t count_atoms(const std::vector<SpeciesInSlice>& species) {
  std::size_t count = 0;
  for (const auto& one : species) count += one.sites.size();
  return count;
}

} // namespace ptychoscale::test
