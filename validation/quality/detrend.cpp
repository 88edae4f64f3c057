#include "ptychoscale/quality/quality.hpp"
#include "region.hpp"

#include <cmath>
#include <utility>

namespace ptychoscale {
namespace {

/// offset + along_y (y - middle_y) + along_x (x - middle_x).
struct Plane {
  double offset = 0;
  double along_y = 0;
  double along_x = 0;
  double middle_y = 0;
  double middle_x = 0;
  [[nodiscard]] double at(int y, int x) const {
    return offset + along_y * (y - middle_y) + along_x * (x - middle_x);
  }
};

/// Least-squares plane through image - truth. About the middle of a full box the three terms are orthogonal,
/// so that each is a ratio of sums.
Plane fit_plane(std::span<const float> image, std::span<const float> truth, Extent extent,
                const Box& region) {
  Plane plane;
  plane.middle_y = 0.5 * (region.y0 + region.y1 - 1);
  plane.middle_x = 0.5 * (region.x0 + region.x1 - 1);
  double sum = 0, sum_y = 0, sum_x = 0, norm_y = 0, norm_x = 0;
  for (int y = region.y0; y < region.y1; ++y)
    for (int x = region.x0; x < region.x1; ++x) {
      const double error = at(image, extent, y, x) - at(truth, extent, y, x);
      const double dy = y - plane.middle_y;
      const double dx = x - plane.middle_x;
      sum += error;
      sum_y += dy * error;
      sum_x += dx * error;
      norm_y += dy * dy;
      norm_x += dx * dx;
    }
  plane.offset = sum / static_cast<double>(region.extent().area());
  plane.along_y = norm_y > 0 ? sum_y / norm_y : 0;
  plane.along_x = norm_x > 0 ? sum_x / norm_x : 0;
  return plane;
}

} // namespace

std::vector<float> remove_offset_and_ramp(std::span<const float> image, std::span<const float> truth,
                                          Extent extent, const Box& region) {
  check_images(image, truth, extent, region, 1);
  const Plane plane = fit_plane(image, truth, extent, region);
  std::vector<float> flat(image.begin(), image.end());
  for (int y = 0; y < extent.y; ++y)
    for (int x = 0; x < extent.x; ++x) {
      float& value = flat[static_cast<std::size_t>(y) * static_cast<std::size_t>(extent.x) +
                          static_cast<std::size_t>(x)];
      value = static_cast<float>(value - plane.at(y, x));
    }
  return flat;
}

double relative_rmse(std::span<const float> reconstruction, std::span<const float> truth, Extent extent,
                     const Box& region) {
  check_images(reconstruction, truth, extent, region, 1);
  (void)range_of(truth, extent, region);
  const Plane plane = fit_plane(reconstruction, truth, extent, region);
  const double pixels = static_cast<double>(region.extent().area());
  double error = 0, mean = 0, variance = 0;
  for (int y = region.y0; y < region.y1; ++y)
    for (int x = region.x0; x < region.x1; ++x) {
      const double t = at(truth, extent, y, x);
      error += std::pow(at(reconstruction, extent, y, x) - t - plane.at(y, x), 2);
      mean += t / pixels;
    }
  for (int y = region.y0; y < region.y1; ++y)
    for (int x = region.x0; x < region.x1; ++x) variance += std::pow(at(truth, extent, y, x) - mean, 2);
  return std::sqrt(error / variance);
}

ImageQuality measure_quality(std::span<const float> reconstruction, std::span<const float> truth,
                             Extent extent, PixelSize pixel, const Box& region) {
  const std::vector<float> flat = remove_offset_and_ramp(reconstruction, truth, extent, region);
  ImageQuality quality;
  // Each needs more of region and truth than the one before; what a narrow scan cannot give takes away no
  // other.
  const auto measured = [&](const auto& measure) -> std::optional<double> {
    try {
      return measure();
    } catch (const InputError& e) {
      if (quality.not_computed.empty()) quality.not_computed = e.what();
      return std::nullopt;
    }
  };
  quality.relative_rmse = measured([&] { return relative_rmse(reconstruction, truth, extent, region); });
  quality.similarity = measured([&] { return structural_similarity(flat, truth, extent, region); });
  quality.resolution_A =
      measured([&] { return ring_correlation(flat, truth, extent, pixel, region).resolution_A; });
  return quality;
}

} // namespace ptychoscale
