#include "step_size.hpp"

#include "ptychoscale/base/physics.hpp"
#include "ptychoscale/io/window_model.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace ptychoscale {
namespace {

constexpr double overshoot = 1.7; ///< correction of a voxel's error that the default step may reach
constexpr double descent = 1.4;   ///< the same where a round's steps are made at once, from one volume
constexpr double lateness = overshoot / 2; ///< the part of it that may come late, where 1 is the limit
constexpr double noise_rad = 0.02;         ///< tau, the phase that steps may add to what patterns leave
constexpr int samples = 4;                 ///< per axis, of the field between a position and the next

/// What every part sends to one voxel, in order of rounds and ranks; parts that send nothing are left out.
using PartSums = std::map<Part, double>;

/// Calls `body` with the illumination that every part sends to a voxel, for voxels all over the scan.
template <class Body>
void for_each_voxel(const DatasetHeader& h, const Illumination& light, const std::vector<Part>& parts,
                    const Body& body) {
  const auto centres = centres_of(h);
  std::vector<std::size_t> by_y;
  for (std::size_t i = 0; i < centres.size(); ++i)
    if (parts[i].is_visited()) by_y.push_back(i);
  std::ranges::stable_sort(by_y, {}, [&](std::size_t i) { return centres[i].y; });
  const Extent cell = cell_of(h);
  const Offset middle = light.middle();
  PartSums sums;
  for (std::size_t position = 0; position < centres.size(); ++position)
    for (int sample = 0; parts[position].is_visited() && sample < samples * samples; ++sample) {
      const Offset centre = centres[position];
      const int y = centre.y + cell.y * (sample / samples) / samples;
      const int x = centre.x + cell.x * (sample % samples) / samples;
      sums.clear();
      const auto from = std::ranges::lower_bound(by_y, y + middle.y - light.lit.y1, {},
                                                 [&](std::size_t i) { return centres[i].y; });
      for (auto i = from; i != by_y.end() && centres[*i].y <= y + middle.y - light.lit.y0; ++i)
        if (const double m = light.at(y - centres[*i].y + middle.y, x - centres[*i].x + middle.x); m > 0)
          sums[parts[*i]] += m;
      body(sums);
    }
}

/// The largest of what `sum` makes of a voxel's parts, over all voxels of a scan; at least the brightest
/// pixel of one probe.
template <class Sum>
double brightest_voxel(const DatasetHeader& h, const ReconstructionPlan& plan, const Illumination& light,
                       const Sum& sum) {
  double brightest = light.brightest;
  for_each_voxel(h, light, parts_of(plan, h.positions_A.size(), false),
                 [&](const PartSums& parts) { brightest = std::max(brightest, sum(parts)); });
  return brightest;
}

/// Of one voxel, its brightest round's and that of all rounds together.
/// @{
double brightest_round(const PartSums& sums) {
  double brightest = 0;
  for (const auto& [part, m] : sums) brightest = std::max(brightest, m);
  return brightest;
}
double all_rounds(const PartSums& sums) {
  double all = 0;
  for (const auto& [part, m] : sums) all += m;
  return all;
}
/// @}

/// Whether a rank's own steps are made once more by the exchange.
bool made_twice(const ReconstructionOptions& o) {
  return sums_gradients(o.method) && o.update == UpdateRule::as_printed;
}

/// Whether no round corrects a voxel too far, at alpha = `inverse_l` / (2 sigma^2 S). What one rank more adds
/// makes no correction smaller.
bool is_stable(const PartSums& sums, double inverse_l, const ReconstructionOptions& o) {
  double all = 0, largest = 0; // of the ranks of a round together, and of one
  int round = -1;
  for (const auto& [part, m] : sums) {
    if (part.round != round) all = largest = 0;
    round = part.round;
    const double c = corrected(inverse_l * m);
    all += c;
    largest = std::max(largest, c);
    const double made = made_twice(o) ? all + largest : all;
    if (made > overshoot || (o.delay > 0 && all - largest > lateness)) return false;
  }
  return true;
}

/// The largest 1 / m up to `most` at which no voxel is corrected too far.
double largest_that_is_stable(const PartSums& sums, double most, const ReconstructionOptions& o) {
  if (is_stable(sums, most, o)) return most;
  double low = 0, high = most;
  for (int halving = 0; halving < 30; ++halving) {
    const double middle = (low + high) / 2;
    (is_stable(sums, middle, o) ? low : high) = middle;
  }
  return low;
}

} // namespace

double curvature(const DatasetHeader& h) {
  const double sigma = interaction_parameter(h.energy_eV);
  return 2 * sigma * sigma * h.slices;
}

double corrected(double alpha_l) { return -std::expm1(-typical_curvature * alpha_l); }

double brightest_of_scan(const DatasetHeader& h, const ReconstructionPlan& plan, const Illumination& light) {
  return brightest_voxel(h, plan, light, brightest_round);
}

double longest_with_noise(const DatasetHeader& h, const ReconstructionOptions& options,
                          const ReconstructionPlan& plan, const Illumination& light) {
  if (!(h.dose_e_per_A2 > 0)) return std::numeric_limits<double>::infinity();
  const double all = brightest_voxel(h, plan, light, all_rounds);
  const double longest = 4 / all + 8 * h.electrons_per_pattern * noise_rad * noise_rad;
  return made_twice(options) ? longest / 2 : longest;
}

double default_step(const DatasetHeader& h, const ReconstructionOptions& options,
                    const ReconstructionPlan& plan, const Illumination& light) {
  double inverse_m = 1 / light.brightest;
  if (descends(options)) {
    const double most = options.update == UpdateRule::accelerated ? 1
                        : options.delay > 0                       ? lateness
                                                                  : descent;
    inverse_m = most / (typical_curvature * brightest_of_scan(h, plan, light));
  } else if (sums_gradients(options.method) && options.update != UpdateRule::averaged) {
    for_each_voxel(h, light, parts_of(plan, h.positions_A.size(), true), [&](const PartSums& sums) {
      inverse_m = largest_that_is_stable(sums, inverse_m, options);
    });
  }
  return std::min(inverse_m, longest_with_noise(h, options, plan, light)) / curvature(h);
}

} // namespace ptychoscale
