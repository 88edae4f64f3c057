#include "step_size.hpp"

#include "ptychoscale/base/physics.hpp"
#include "ptychoscale/io/window_model.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

namespace ptychoscale {
namespace {

constexpr double typical = 0.7;     ///< e: part of the bound on the curvature that an error meets
constexpr double overshoot = 1.7;   ///< correction of a voxel's error that the default step may reach
constexpr double negligible = 1e-3; ///< of the brightest pixel: where a probe ends
constexpr int samples = 4;          ///< per axis, of the field between a position and the next

/// What one probe sends through the empty specimen.
struct Illumination {
  double brightest = 0;    ///< pixel at any depth, N |psi|^2
  Extent extent;           ///< of `map`
  std::vector<double> map; ///< N |psi|^2 [y][x] at the depth where a raster of probes is brightest
  Box lit;                 ///< of `map`, where it is not negligible

  [[nodiscard]] double at(int y, int x) const {
    return lit.y0 <= y && y < lit.y1 && lit.x0 <= x && x < lit.x1
               ? map[static_cast<std::size_t>(y) * static_cast<std::size_t>(extent.x) +
                     static_cast<std::size_t>(x)]
               : 0;
  }
};

std::vector<double> intensities(const Complex* wave, Extent e) {
  std::vector<double> map(e.area());
  std::transform(wave, wave + map.size(), map.begin(), [&](const Complex& psi) {
    return static_cast<double>(e.area()) * std::norm(std::complex<double>(psi));
  });
  return map;
}

/// Brightest pixel of the sum over an endless raster of probes, folded into one of its cells.
double brightest_of_raster(const std::vector<double>& map, Extent e, int cell_y, int cell_x) {
  std::vector<double> cell(static_cast<std::size_t>(cell_y) * static_cast<std::size_t>(cell_x));
  for (int y = 0; y < e.y; ++y)
    for (int x = 0; x < e.x; ++x)
      cell[static_cast<std::size_t>(y % cell_y) * static_cast<std::size_t>(cell_x) +
           static_cast<std::size_t>(x % cell_x)] +=
          map[static_cast<std::size_t>(y) * static_cast<std::size_t>(e.x) + static_cast<std::size_t>(x)];
  return *std::max_element(cell.begin(), cell.end());
}

Box lit_box(const std::vector<double>& map, Extent e) {
  const double least = negligible * *std::max_element(map.begin(), map.end());
  Box lit{e.y, 0, e.x, 0};
  for (int y = 0; y < e.y; ++y)
    for (int x = 0; x < e.x; ++x) {
      if (map[static_cast<std::size_t>(y) * static_cast<std::size_t>(e.x) + static_cast<std::size_t>(x)] <
          least)
        continue;
      lit = {std::min(lit.y0, y), std::max(lit.y1, y + 1), std::min(lit.x0, x), std::max(lit.x1, x + 1)};
    }
  return lit;
}

Extent cell_of(const DatasetHeader& h) {
  return {std::max(1, static_cast<int>(std::lround(h.scan_step_A.y / h.pixel.y))),
          std::max(1, static_cast<int>(std::lround(h.scan_step_A.x / h.pixel.x)))};
}

/// Free propagation through the empty specimen; estimated plans, so that the step is the same on every run
/// and rank.
Illumination illumination_of(const DatasetHeader& h) {
  const auto backend = make_backend({"cpu", 1, Planning::estimate});
  Multislice vacuum(*backend, window_model(h), h.probe);
  const Extent cell = cell_of(h);
  Illumination light;
  light.extent = h.detector;
  double brightest_raster = 0;
  vacuum.for_each_vacuum_wave([&](const Complex* wave) {
    auto map = intensities(wave, h.detector);
    light.brightest = std::max(light.brightest, *std::max_element(map.begin(), map.end()));
    const double raster = brightest_of_raster(map, h.detector, cell.y, cell.x);
    if (raster <= brightest_raster) return;
    brightest_raster = raster;
    light.map = std::move(map);
  });
  light.lit = lit_box(light.map, h.detector);
  return light;
}

/// Positions whose sum is applied at once: those of one rank in one round.
struct Part {
  int round = 0;
  int rank = 0;
  auto operator<=>(const Part&) const = default;
};

/// Of every position; `batch` steps do not tell ranks apart.
std::vector<Part> parts_of(const ReconstructionPlan& plan, std::size_t positions, bool tell_ranks) {
  std::vector<Part> parts(positions);
  for (const auto& tile : plan.tiling.tiles)
    for (int round = 0; round < plan.rounds; ++round) {
      const auto range = round_part(static_cast<int>(tile.own.size()), round, plan.rounds);
      for (int k = range.first; k < range.last; ++k)
        parts[static_cast<std::size_t>(tile.own[static_cast<std::size_t>(k)])] = {round,
                                                                                  tell_ranks ? tile.rank : 0};
    }
  return parts;
}

/// Calls `body` with the illumination that every part sends to a voxel, for voxels all over the scan.
template <class Body>
void for_each_voxel(const DatasetHeader& h, const Illumination& light, const std::vector<Part>& parts,
                    const Body& body) {
  std::vector<Offset> centres;
  for (const auto& p : h.positions_A)
    centres.push_back(
        {static_cast<int>(std::lround(p.y / h.pixel.y)), static_cast<int>(std::lround(p.x / h.pixel.x))});
  std::vector<std::size_t> by_y(centres.size());
  std::iota(by_y.begin(), by_y.end(), std::size_t{0});
  std::ranges::stable_sort(by_y, {}, [&](std::size_t i) { return centres[i].y; });
  const Extent cell = cell_of(h);
  const Offset middle{light.extent.y / 2, light.extent.x / 2};
  std::map<Part, double> sums;
  for (const auto& centre : centres)
    for (int sample = 0; sample < samples * samples; ++sample) {
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

/// Brightest sum of a round over all voxels.
double brightest_round(const std::map<Part, double>& sums) {
  double brightest = 0;
  for (const auto& [part, m] : sums) brightest = std::max(brightest, m);
  return brightest;
}

/// The largest part of a voxel's error that is corrected in any round, at alpha = `inverse_l` / (2 sigma^2
/// S).
double correction(const std::map<Part, double>& sums, double inverse_l, bool own_twice) {
  double largest = 0, all = 0, own = 0;
  int round = -1;
  for (const auto& [part, m] : sums) {
    if (part.round != round) all = own = 0;
    round = part.round;
    const double c = -std::expm1(-typical * inverse_l * m);
    all += c;
    own = std::max(own, c);
    largest = std::max(largest, own_twice ? all + own : all);
  }
  return largest;
}

/// The largest 1 / m up to `most` at which no voxel is corrected too far.
double largest_that_is_stable(const std::map<Part, double>& sums, double most, bool own_twice) {
  if (correction(sums, most, own_twice) <= overshoot) return most;
  double low = 0, high = most;
  for (int halving = 0; halving < 30; ++halving) {
    const double middle = (low + high) / 2;
    (correction(sums, middle, own_twice) <= overshoot ? low : high) = middle;
  }
  return low;
}

} // namespace

double default_step(const DatasetHeader& h, const ReconstructionOptions& options,
                    const ReconstructionPlan& plan) {
  const auto light = illumination_of(h);
  const bool batch = options.update == UpdateRule::batch;
  double inverse_m = 1 / light.brightest;
  if (options.method == Method::gd || batch) {
    const auto parts = parts_of(plan, h.positions_A.size(), !batch);
    for_each_voxel(h, light, parts, [&](const std::map<Part, double>& sums) {
      inverse_m = batch ? std::min(inverse_m, 1 / std::max(light.brightest, brightest_round(sums)))
                        : largest_that_is_stable(sums, inverse_m, options.update == UpdateRule::as_printed);
    });
  }
  const double sigma = interaction_parameter(h.energy_eV);
  return inverse_m / (2 * sigma * sigma * h.slices);
}

} // namespace ptychoscale
