#include "ptychoscale/quality/quality.hpp"
#include "region.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace ptychoscale {
namespace {

constexpr int window = 11;
constexpr double window_sigma_px = 1.5;
constexpr double k1 = 0.01;
constexpr double k2 = 0.03;

std::array<double, window> gaussian_weights() {
  std::array<double, window> weights{};
  double sum = 0;
  for (int i = 0; i < window; ++i) {
    weights[static_cast<std::size_t>(i)] = std::exp(-0.5 * std::pow((i - window / 2) / window_sigma_px, 2));
    sum += weights[static_cast<std::size_t>(i)];
  }
  for (double& w : weights) w /= sum;
  return weights;
}

/// Weighted moments of two images under the window.
struct Moments {
  double a = 0, b = 0, aa = 0, bb = 0, ab = 0;
  void add(double weight, const Moments& m) {
    a += weight * m.a;
    b += weight * m.b;
    aa += weight * m.aa;
    bb += weight * m.bb;
    ab += weight * m.ab;
  }
};

double similarity_of(const Moments& m, double c1, double c2) {
  const double covariance = m.ab - m.a * m.b;
  const double variances = (m.aa - m.a * m.a) + (m.bb - m.b * m.b);
  return (2 * m.a * m.b + c1) * (2 * covariance + c2) / ((m.a * m.a + m.b * m.b + c1) * (variances + c2));
}

} // namespace

double structural_similarity(std::span<const float> image, std::span<const float> truth, Extent extent,
                             const Box& region) {
  check_images(image, truth, extent, region, window);
  const double range = range_of(truth, extent, region);
  const double c1 = std::pow(k1 * range, 2), c2 = std::pow(k2 * range, 2);
  const auto weights = gaussian_weights();
  const int rows = region.y1 - region.y0 - window + 1;
  const int columns = region.x1 - region.x0 - window + 1;
  std::vector<Moments> vertical(static_cast<std::size_t>(region.x1 - region.x0));
  double sum = 0;
  for (int row = 0; row < rows; ++row) {
    std::ranges::fill(vertical,
                      Moments{}); // the window is separable: first along y, for every column of the region
    for (int i = 0; i < window; ++i)
      for (int x = region.x0; x < region.x1; ++x) {
        const double a = at(image, extent, region.y0 + row + i, x),
                     b = at(truth, extent, region.y0 + row + i, x);
        vertical[static_cast<std::size_t>(x - region.x0)].add(weights[static_cast<std::size_t>(i)],
                                                              {a, b, a * a, b * b, a * b});
      }
    for (int column = 0; column < columns; ++column) {
      Moments moments;
      for (int i = 0; i < window; ++i)
        moments.add(weights[static_cast<std::size_t>(i)], vertical[static_cast<std::size_t>(column + i)]);
      sum += similarity_of(moments, c1, c2);
    }
  }
  return sum / (static_cast<double>(rows) * columns);
}

} // namespace ptychoscale
