#include "ptychoscale/simulate/conditions.hpp"

#include "counter_random.hpp"
#include "header_fields.hpp"
#include "ptychoscale/multislice/optics.hpp"

#include <cmath>
#include <numbers>

namespace ptychoscale {
namespace {

/// A normal distribution at whole numbers from 0 on, to six deviations, both sides together 1.
std::vector<double> normal_taps(double sigma) {
  std::vector<double> taps;
  double sum = 0;
  for (int i = 0; i <= static_cast<int>(std::ceil(6 * sigma)); ++i) {
    taps.push_back(std::exp(-0.5 * i * i / (sigma * sigma)));
    sum += i == 0 ? taps.back() : 2 * taps.back();
  }
  for (double& tap : taps) tap /= sum;
  return taps;
}

/// Spreads `count` values `stride` apart.
void blur_line(float* line, int count, std::size_t stride, const std::vector<double>& taps) {
  std::vector<double> sharp(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i)
    sharp[static_cast<std::size_t>(i)] = line[static_cast<std::size_t>(i) * stride];
  const auto at = [&](int i) { return sharp[static_cast<std::size_t>(((i % count) + count) % count)]; };
  for (int i = 0; i < count; ++i) {
    double sum = taps[0] * at(i);
    for (int d = 1; d < static_cast<int>(taps.size()); ++d)
      sum += taps[static_cast<std::size_t>(d)] * (at(i - d) + at(i + d));
    line[static_cast<std::size_t>(i) * stride] = static_cast<float>(sum);
  }
}

} // namespace

std::vector<Complex> actual_probe(const SimulationParameters& p) {
  Optics optics = optics_of(header_fields(p));
  optics.C10_A += p.conditions.C10_error_A;
  return make_probe(optics, p.detector, p.pixel_A);
}

Position actual_position(const SimulationParameters& p, int index, Position told) {
  const auto deviates = normals(philox(
      {static_cast<std::uint32_t>(index), 0, 0, static_cast<std::uint32_t>(RandomStream::jitter)}, p.seed));
  const double sigma = p.conditions.position_jitter_A;
  return {told.y + sigma * deviates[0], told.x + sigma * deviates[1]};
}

std::vector<SourcePoint> source_points(const Conditions& conditions) {
  const double sigma = conditions.source_size_A;
  if (sigma == 0) return {SourcePoint{}};
  std::vector<SourcePoint> points;
  for (const int y : {-1, 0, 1})
    for (const int x : {-1, 0, 1}) {
      const auto weight = [](int node) { return node == 0 ? 2.0 / 3 : 1.0 / 6; };
      const double node = std::numbers::sqrt3 * sigma;
      points.push_back({{y * node, x * node}, weight(y) * weight(x)});
    }
  return points;
}

void blur(std::span<float> pattern, Extent detector, double sigma_px) {
  if (sigma_px == 0) return;
  const auto taps = normal_taps(sigma_px);
  const auto width = static_cast<std::size_t>(detector.x);
  for (int y = 0; y < detector.y; ++y)
    blur_line(pattern.data() + static_cast<std::size_t>(y) * width, detector.x, 1, taps);
  for (int x = 0; x < detector.x; ++x) blur_line(pattern.data() + x, detector.y, width, taps);
}

} // namespace ptychoscale
