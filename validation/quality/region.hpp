#pragma once

#include "ptychoscale/base/box.hpp"
#include "ptychoscale/base/error.hpp"

#include <algorithm>
#include <span>
#include <string>

namespace ptychoscale {

/// The value at pixel (y, x) of an image [y][x].
[[nodiscard]] inline double at(std::span<const float> image, Extent extent, int y, int x) {
  return image[static_cast<std::size_t>(y) * static_cast<std::size_t>(extent.x) +
               static_cast<std::size_t>(x)];
}

/// Throws InputError unless `region` is a box of at least `least` x `least` pixels inside `extent`.
inline void check_region(Extent extent, const Box& region, int least) {
  const bool inside = Box{0, extent.y, 0, extent.x}.contains(region);
  if (inside && region.y1 - region.y0 >= least && region.x1 - region.x0 >= least) return;
  throw InputError("quality region [" + std::to_string(region.y0) + ", " + std::to_string(region.y1) +
                   ") x [" + std::to_string(region.x0) + ", " + std::to_string(region.x1) +
                   ") must be at least " + std::to_string(least) + " pixels wide and inside the image of " +
                   std::to_string(extent.y) + " x " + std::to_string(extent.x));
}

/// Throws InputError unless both images have `extent` and the region is usable.
inline void check_images(std::span<const float> image, std::span<const float> truth, Extent extent,
                         const Box& region, int least) {
  for (const auto& [name, size] : {std::pair{"image", image.size()}, std::pair{"truth", truth.size()}})
    if (size != extent.area())
      throw InputError("quality: " + std::string(name) + " has " + std::to_string(size) + " pixels, not " +
                       std::to_string(extent.y) + " x " + std::to_string(extent.x));
  check_region(extent, region, least);
}

/// Maximum minus minimum of the truth in the region; throws InputError for a constant one, against which
/// nothing can be measured.
[[nodiscard]] inline double range_of(std::span<const float> truth, Extent extent, const Box& region) {
  double least = at(truth, extent, region.y0, region.x0), most = least;
  for (int y = region.y0; y < region.y1; ++y)
    for (int x = region.x0; x < region.x1; ++x) {
      least = std::min(least, at(truth, extent, y, x));
      most = std::max(most, at(truth, extent, y, x));
    }
  if (!(most > least))
    throw InputError("quality: the true potential is " + std::to_string(least) +
                     " V*A everywhere in the illuminated region");
  return most - least;
}

} // namespace ptychoscale
