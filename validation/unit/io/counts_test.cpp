// How counts are stored: in half precision, as integers, with zero frequency in the middle.
#include "counts.hpp"
#include "ptychoscale/base/half.hpp"
#include "ptychoscale/io/dataset.hpp"
#include "small_dataset.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace ptychoscale::test {
namespace {

TEST(Counts, HalfPrecisionFollowsIeee754) {
  // Bit patterns of numpy.float16.
  EXPECT_EQ(half_from_float(0.0F), 0x0000);
  EXPECT_EQ(half_from_float(1.0F), 0x3c00);
  EXPECT_EQ(half_from_float(-2.0F), 0xc000);
  EXPECT_EQ(half_from_float(65504.0F), 0x7bff);
  EXPECT_EQ(half_from_float(65520.0F), 0x7c00);
  EXPECT_EQ(half_from_float(0x1p-24F), 0x0001);
  EXPECT_EQ(half_from_float(0x1p-14F), 0x0400);
  EXPECT_EQ(half_from_float(0x1.ff8p-15F), 0x03ff);
  EXPECT_EQ(half_from_float(2049.0F), 0x6800); // halfway between 2048 and 2050: to even
  EXPECT_EQ(half_from_float(2051.0F), 0x6802); // halfway between 2050 and 2052: to even
}

TEST(Counts, EveryHalfSurvivesTheWayThroughFloat) {
  for (std::uint32_t bits = 0; bits <= 0xffffU; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float value = float_from_half(half);
    if (std::isnan(value)) {
      EXPECT_GT(bits & 0x7fffU, 0x7c00U);
    } else {
      ASSERT_EQ(half_from_float(value), half);
    }
  }
  EXPECT_EQ(float_from_half(0x3c00), 1.0F);
  EXPECT_EQ(float_from_half(0x0001), 0x1p-24F);
}

TEST(Counts, ZeroFrequencyGoesToTheCentreAndBack) {
  for (const Extent extent : {Extent{4, 6}, Extent{5, 3}, Extent{1, 1}}) {
    std::vector<float> first(extent.area());
    for (std::size_t i = 0; i < first.size(); ++i) first[i] = static_cast<float>(i);
    std::vector<float> centred(first.size());
    std::vector<float> back(first.size());
    move_zero_to_centre(first, centred, extent);
    EXPECT_EQ(centred[static_cast<std::size_t>(extent.y / 2 * extent.x + extent.x / 2)], 0.0F);
    move_zero_to_front(centred, back, extent);
    EXPECT_EQ(back, first);
  }
}

TEST(Counts, UnsignedIntegersAreRounded) {
  const ScratchFolder directory;
  DatasetHeader h = small_header();
  h.electrons_per_pattern = 1;
  DatasetWriter writer(directory / "small.h5", h, CountType::uint16, false);
  std::vector<float> counts(h.detector.area(), 3.4F);
  counts[0] = 65535.0F;
  counts[1] = 3.6F;
  for (int p = 0; p < 6; ++p) writer.write_pattern(p, counts);
  writer.finish();
  std::vector<float> amplitudes(h.detector.area());
  DatasetReader(directory / "small.h5").read_amplitudes(0, amplitudes);
  EXPECT_FLOAT_EQ(amplitudes[0], std::sqrt(65535.0F));
  EXPECT_FLOAT_EQ(amplitudes[1], 2.0F);
  EXPECT_FLOAT_EQ(amplitudes[2], std::sqrt(3.0F));
}

} // namespace
} // namespace ptychoscale::test
