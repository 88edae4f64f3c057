#include "ptychoscale/io/counting_noise.hpp"

#include "ptychoscale/io/masks.hpp"

#include <array>
#include <cmath>
#include <vector>

namespace ptychoscale {
namespace {

constexpr std::array of_few{0.0, 1.58, -1.04, 1.065};

double left_by(double count) {
  if (count < static_cast<double>(of_few.size())) return of_few[static_cast<std::size_t>(count)];
  return 0.25 + 0.11 / count;
}

} // namespace

double counting_noise(std::span<const float> amplitudes, double electrons_per_pattern) {
  double sum = 0;
  for (const float a : amplitudes)
    if (a > 0) sum += left_by(std::round(electrons_per_pattern * a * a));
  return sum / electrons_per_pattern;
}

std::optional<double> cost_of_counting_noise(const DatasetReader& dataset) {
  const DatasetHeader& h = dataset.header();
  if (!(h.dose_e_per_A2 > 0)) return std::nullopt;
  std::vector<float> amplitudes(h.detector.area());
  double cost = 0;
  for (std::size_t position = 0; position < h.positions_A.size(); ++position) {
    if (!is_used(h, position)) continue;
    dataset.read_amplitudes(static_cast<int>(position), amplitudes);
    cost += counting_noise(amplitudes, h.electrons_per_pattern);
  }
  return cost;
}

} // namespace ptychoscale
