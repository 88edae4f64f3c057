#include "illumination.hpp"

#include "ptychoscale/io/window_model.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace ptychoscale {
namespace {

constexpr double negligible = 1e-3; ///< of the brightest pixel: where a probe ends

/// N |psi|^2 of all modes [mode][y][x].
std::vector<double> intensities(std::span<const Complex> waves, Extent e) {
  std::vector<double> map(e.area());
  for (std::size_t i = 0; i < waves.size(); ++i)
    map[i % map.size()] += static_cast<double>(e.area()) * std::norm(std::complex<double>(waves[i]));
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

} // namespace

Extent cell_of(const DatasetHeader& h) {
  return {std::max(1, static_cast<int>(std::lround(h.scan_step_A.y / h.pixel.y))),
          std::max(1, static_cast<int>(std::lround(h.scan_step_A.x / h.pixel.x)))};
}

Illumination illumination_of(const DatasetHeader& h, const ApertureProbe& probe) {
  const auto backend = make_backend({"cpu", 1, Planning::estimate});
  Multislice vacuum(*backend, window_model(h), probe);
  const Extent cell = cell_of(h);
  Illumination light;
  light.extent = h.detector;
  double brightest_raster = 0;
  vacuum.for_each_vacuum_wave([&](std::span<const Complex> waves) {
    auto map = intensities(waves, h.detector);
    light.brightest = std::max(light.brightest, *std::max_element(map.begin(), map.end()));
    const double raster = brightest_of_raster(map, h.detector, cell.y, cell.x);
    if (raster <= brightest_raster) return;
    brightest_raster = raster;
    light.map = std::move(map);
  });
  light.lit = lit_box(light.map, h.detector);
  return light;
}

void share(const Communicator& comm, Illumination& light) {
  std::array numbers{light.brightest,
                     static_cast<double>(light.extent.y),
                     static_cast<double>(light.extent.x),
                     static_cast<double>(light.lit.y0),
                     static_cast<double>(light.lit.y1),
                     static_cast<double>(light.lit.x0),
                     static_cast<double>(light.lit.x1)};
  comm.broadcast(numbers, 0);
  const auto whole = [&](std::size_t i) { return static_cast<int>(numbers[i]); };
  light.brightest = numbers[0];
  light.extent = {whole(1), whole(2)};
  light.lit = {whole(3), whole(4), whole(5), whole(6)};
  light.map.resize(light.extent.area());
  comm.broadcast(light.map, 0);
}

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

std::vector<Offset> centres_of(const DatasetHeader& h) {
  std::vector<Offset> centres;
  for (const auto& p : h.positions_A)
    centres.push_back(
        {static_cast<int>(std::lround(p.y / h.pixel.y)), static_cast<int>(std::lround(p.x / h.pixel.x))});
  return centres;
}

} // namespace ptychoscale
