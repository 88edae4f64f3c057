#include "step_weights.hpp"

#include "step_size.hpp"

#include <algorithm>
#include <cmath>

namespace ptychoscale {
namespace {

constexpr double dimmest = 0.1; ///< illumination below which a voxel's step is no longer longer, of m_max

using Map = std::vector<double>; ///< [y][x] of a box

/// Where in the volume a probe at `centre` is not negligible.
Box lit_by(const Illumination& light, Offset centre) {
  const int y = centre.y - light.middle().y, x = centre.x - light.middle().x;
  return {y + light.lit.y0, y + light.lit.y1, x + light.lit.x0, x + light.lit.x1};
}

void add_probe(Map& sum, Box box, const Illumination& light, Offset centre) {
  const Offset corner{centre.y - light.middle().y, centre.x - light.middle().x};
  const Box lit = intersect(box, lit_by(light, centre));
  for (int y = lit.y0; y < lit.y1; ++y) {
    double* row =
        sum.data() + static_cast<std::size_t>(y - box.y0) * static_cast<std::size_t>(box.extent().x);
    for (int x = lit.x0; x < lit.x1; ++x) row[x - box.x0] += light.at(y - corner.y, x - corner.x);
  }
}

/// Calls `body(part, map)` with what every part sends to the box, in order of rounds and ranks.
template <class Body>
void for_each_part(const DatasetHeader& h, const std::vector<Part>& parts, const Illumination& light, Box box,
                   const Body& body) {
  const auto centres = centres_of(h);
  std::vector<std::size_t> reaching;
  for (std::size_t i = 0; i < centres.size(); ++i)
    if (parts[i].is_visited() && !intersect(box, lit_by(light, centres[i])).empty()) reaching.push_back(i);
  std::ranges::stable_sort(reaching, {}, [&](std::size_t i) { return parts[i]; });
  Map sum(box.extent().area());
  for (auto i = reaching.begin(); i != reaching.end();) {
    const Part part = parts[*i];
    std::ranges::fill(sum, 0.0);
    for (; i != reaching.end() && parts[*i] == part; ++i) add_probe(sum, box, light, centres[*i]);
    body(part, sum);
  }
}

/// Largest sum over ranks of their corrections, of all rounds.
Map largest_correction(const DatasetHeader& h, const ReconstructionPlan& plan, const Illumination& light,
                       double alpha_l_per_m, Box box) {
  Map largest(box.extent().area()), all(largest.size());
  int round = -1;
  for_each_part(h, parts_of(plan, h.positions_A.size(), true), light, box, [&](Part part, const Map& m) {
    if (part.round != round) std::ranges::fill(all, 0.0);
    round = part.round;
    for (std::size_t i = 0; i < all.size(); ++i) {
      all[i] += corrected(alpha_l_per_m * m[i]);
      largest[i] = std::max(largest[i], all[i]);
    }
  });
  return largest;
}

} // namespace

std::vector<float> step_weights(const DatasetHeader& h, const ReconstructionOptions& o,
                                const ReconstructionPlan& plan, const Illumination& light,
                                const StepScale& scale, Box box) {
  std::vector<float> weights(box.extent().area(), 1.0F);
  if (o.update == UpdateRule::averaged) {
    const auto largest = largest_correction(h, plan, light, scale.step * curvature(h), box);
    std::ranges::transform(largest, weights.begin(),
                           [](double c) { return static_cast<float>(1 / std::max(c, 1.0)); });
  } else {
    const double least = dimmest * scale.brightest;
    std::ranges::fill(weights, static_cast<float>(1 / dimmest)); // where no probe reaches
    for_each_part(h, parts_of(plan, h.positions_A.size(), false), light, box, [&](Part, const Map& m) {
      std::ranges::transform(m, weights.begin(), [&](double one) {
        return static_cast<float>(scale.brightest / std::max(one, least));
      });
    });
  }
  return weights;
}

} // namespace ptychoscale
