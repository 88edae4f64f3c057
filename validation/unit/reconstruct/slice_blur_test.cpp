// A Gaussian along the beam, against its definition.
#include "slice_blur.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace ptychoscale {
namespace {

constexpr Extent extent{3, 4};

std::vector<float> blurred(const std::vector<float>& volume, double width) {
  const auto backend = make_backend({"cpu", 1, Planning::estimate});
  Buffer<float> buffer(*backend, volume.size(), MemoryLabel::volume);
  buffer.upload(volume);
  SliceBlur blur(*backend, {buffer.data(), static_cast<int>(volume.size() / extent.area()), extent}, width);
  blur.apply();
  std::vector<float> result(volume.size());
  buffer.download(result);
  return result;
}

std::vector<float> bumpy(int slices) {
  std::vector<float> volume(static_cast<std::size_t>(slices) * extent.area());
  for (std::size_t i = 0; i < volume.size(); ++i)
    volume[i] = static_cast<float>(std::sin(1.7 * static_cast<double>(i * i % 97)));
  return volume;
}

TEST(SliceBlur, IsTheWeightedMeanOfTheSlicesThatThereAre) {
  for (const int slices : {2, 3, 9})
    for (const double width : {0.4, 1.0, 2.5}) {
      const auto given = bumpy(slices);
      const auto got = blurred(given, width);
      const int reach = static_cast<int>(std::ceil(3 * width));
      for (int s = 0; s < slices; ++s)
        for (std::size_t pixel = 0; pixel < extent.area(); ++pixel) {
          double sum = 0, weights = 0;
          for (int other = std::max(s - reach, 0); other <= std::min(s + reach, slices - 1); ++other) {
            const double weight = std::exp(-0.5 * std::pow((other - s) / width, 2));
            sum += weight * given[static_cast<std::size_t>(other) * extent.area() + pixel];
            weights += weight;
          }
          EXPECT_NEAR(got[static_cast<std::size_t>(s) * extent.area() + pixel], sum / weights, 1e-6)
              << slices << " " << width << " " << s;
        }
    }
}

TEST(SliceBlur, LeavesWhatIsAlikeInAllSlicesAndASingleSlice) {
  const std::vector<float> alike(5 * extent.area(), 7.25F);
  for (const float v : blurred(alike, 1.3)) EXPECT_NEAR(v, 7.25F, 1e-5);
  const auto one = bumpy(1);
  EXPECT_EQ(blurred(one, 2), one);
}

} // namespace
} // namespace ptychoscale
