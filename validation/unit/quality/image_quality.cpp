#include "ptychoscale/base/error.hpp"
#include "ptychoscale/quality/error_sums.hpp"
#include "ptychoscale/quality/quality.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <random>

namespace ptychoscale {
namespace {

using Image = std::vector<float>;

template <class Function> Image image_of(Extent extent, Function value) {
  Image image;
  for (int y = 0; y < extent.y; ++y)
    for (int x = 0; x < extent.x; ++x) image.push_back(static_cast<float>(value(y, x)));
  return image;
}

/// Smooth, aperiodic, of mean about zero.
double landscape(int y, int x) {
  return std::sin(0.7 * y) * std::cos(0.45 * x) + std::sin(0.31 * x - 0.17 * y);
}

/// Adds white noise of standard deviation `sigma`.
Image with_noise(Image image, double sigma, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> noise(0, sigma);
  for (float& v : image) v = static_cast<float>(v + noise(random));
  return image;
}

constexpr Extent extent{40, 52};
constexpr Box region{3, 37, 5, 47};

TEST(ErrorSums, OfPartsGiveTheErrorOfTheWhole) {
  const Image truth = image_of(extent, [](int y, int x) { return 300 + landscape(y, x); });
  const Image image = with_noise(
      image_of(extent, [](int y, int x) { return 90 + landscape(y, x) - 0.3 * y + 0.2 * x; }), 0.1, 3);
  ErrorSums sums{};
  for (const auto& [from, to] : {std::pair{5, 17}, std::pair{17, 18}, std::pair{18, 47}})
    for (int y = region.y0; y < region.y1; ++y) {
      const auto first = static_cast<std::size_t>(y * extent.x + from);
      const auto count = static_cast<std::size_t>(to - from);
      const std::vector<double> row(image.begin() + static_cast<std::ptrdiff_t>(first),
                                    image.begin() + static_cast<std::ptrdiff_t>(first + count));
      add_row(sums, region, y, from, row, std::span(truth).subspan(first, count));
    }
  // Both in double precision; sums of squares of some 300 V A lose some digits against the variance of
  // about 1.
  EXPECT_NEAR(relative_rmse(sums, region), relative_rmse(image, truth, extent, region), 1e-7);
}

TEST(ErrorSums, RefuseAConstantTruth) {
  ErrorSums sums{};
  const std::vector<double> image(4, 1.0);
  const std::vector<float> truth(4, 7.3F);
  add_row(sums, {0, 1, 0, 4}, 0, 0, image, truth);
  EXPECT_THROW((void)relative_rmse(sums, Box{0, 1, 0, 4}), InputError);
}

TEST(RelativeRmse, IgnoresOffsetRampAndEverythingOutsideTheRegion) {
  const Image truth = image_of(extent, landscape);
  const Image image = image_of(extent, [](int y, int x) {
    const bool inside = y >= region.y0 && y < region.y1 && x >= region.x0 && x < region.x1;
    return landscape(y, x) + (inside ? 17 + 0.5 * y - 0.25 * x : 1e6);
  });
  // float32 holds values near 30 to 2e-6 of the truth's deviation of about 1
  EXPECT_LT(relative_rmse(image, truth, extent, region), 5e-6);
}

TEST(ImageQuality, LeavesOutWhatTheRegionIsTooNarrowForAndSaysWhy) {
  const Image truth = image_of(extent, landscape);
  const Image image = with_noise(truth, 0.3, 1);
  const auto line = measure_quality(image, truth, extent, {1, 1}, {3, 37, 9, 10}); // a scan of one column
  EXPECT_EQ(line.relative_rmse, relative_rmse(image, truth, extent, {3, 37, 9, 10}));
  EXPECT_FALSE(line.similarity || line.resolution_A);
  EXPECT_NE(line.not_computed.find("at least 11 pixels"), std::string::npos) << line.not_computed;
  const auto band = measure_quality(image, truth, extent, {1, 1}, {3, 37, 9, 21}); // 12 pixels wide
  EXPECT_TRUE(band.relative_rmse && band.similarity);
  EXPECT_FALSE(band.resolution_A);
  EXPECT_NE(band.not_computed.find("at least 16 pixels"), std::string::npos) << band.not_computed;
  EXPECT_EQ(measure_quality(image, truth, extent, {1, 1}, region).not_computed, "");
}

TEST(ImageQuality, OfAFlatTruthIsNoNumber) {
  const Image flat(extent.area(), 2.0F);
  const auto quality = measure_quality(with_noise(flat, 0.3, 1), flat, extent, {1, 1}, region);
  EXPECT_FALSE(quality.relative_rmse || quality.similarity || quality.resolution_A);
  EXPECT_NE(quality.not_computed.find("true potential is 2"), std::string::npos) << quality.not_computed;
}

TEST(RelativeRmse, IsTheNoiseOverTheDeviationOfTheTruth) {
  const Image truth = image_of(extent, landscape);
  double mean = 0, square = 0;
  const double pixels = static_cast<double>(region.extent().area());
  for (int y = region.y0; y < region.y1; ++y)
    for (int x = region.x0; x < region.x1; ++x) {
      mean += landscape(y, x) / pixels;
      square += landscape(y, x) * landscape(y, x) / pixels;
    }
  const double sigma = 0.3;
  const double expected = sigma / std::sqrt(square - mean * mean);
  // 1428 samples: the rms of the noise is known to 1 / sqrt(2 n) = 1.9 %; three of these
  EXPECT_NEAR(relative_rmse(with_noise(truth, sigma, 1), truth, extent, region), expected, 0.06 * expected);
}

TEST(RelativeRmse, IsOneForAnEmptyReconstruction) {
  const Image truth = image_of(extent, [](int y, int x) { return std::cos(2 * y) * std::cos(2 * x); });
  // the plane through the truth takes away a little of it
  EXPECT_NEAR(relative_rmse(Image(truth.size()), truth, extent, region), 1, 0.01);
}

TEST(RelativeRmse, RefusesRegionsOutsideAndConstantTruth) {
  const Image truth = image_of(extent, landscape);
  EXPECT_THROW((void)relative_rmse(truth, truth, extent, {0, 41, 0, 10}), InputError);
  EXPECT_THROW((void)relative_rmse(truth, truth, extent, Box{}), InputError);
  EXPECT_THROW((void)relative_rmse(truth, Image(3), extent, region), InputError);
  EXPECT_THROW((void)relative_rmse(truth, Image(truth.size(), 2.0f), extent, region), InputError);
}

TEST(RemoveOffsetAndRamp, GivesBackTheTruth) {
  const Image truth = image_of(extent, landscape);
  const Image image =
      image_of(extent, [](int y, int x) { return landscape(y, x) - 3 + 0.02 * y + 0.01 * x; });
  const Image flat = remove_offset_and_ramp(image, truth, extent, region);
  for (std::size_t i = 0; i < flat.size(); ++i)
    ASSERT_NEAR(flat[i], truth[i], 2e-6) << i; // float32 of values up to 4
}

TEST(StructuralSimilarity, AgreesWithAPublishedImplementation) {
  constexpr Extent small{24, 29};
  const auto value = [](int y, int x) { return std::sin(0.7 * y) * std::cos(0.45 * x) + 0.1 * x; };
  const Image truth = image_of(small, value);
  const Image image =
      image_of(small, [&](int y, int x) { return value(y, x) + 0.3 * std::sin(1.9 * y + 0.8 * x); });
  // scikit-image 0.26 of the region alone, gaussian_weights, sigma = 1.5, use_sample_covariance = False; both
  // fp64 of fp32 values
  EXPECT_NEAR(structural_similarity(image, truth, small, {2, 22, 3, 27}), 0.9003842137177502, 1e-6);
}

TEST(StructuralSimilarity, IsOneOnlyForTheTruth) {
  const Image truth = image_of(extent, landscape);
  EXPECT_NEAR(structural_similarity(truth, truth, extent, region), 1, 1e-12);
  EXPECT_LT(structural_similarity(with_noise(truth, 0.2, 2), truth, extent, region), 0.99);
}

constexpr Extent square{96, 96};
constexpr Box whole{0, 96, 0, 96};
constexpr PixelSize pixel{0.1, 0.1};

/// White below and above `cutoff_per_A`; seeds apart, so that two images may share only the lower part.
Image random_waves(double cutoff_per_A, unsigned low_seed, unsigned high_seed) {
  Image image(square.area());
  for (const bool low : {true, false}) {
    std::mt19937 random(low ? low_seed : high_seed);
    std::uniform_real_distribution<double> uniform(0, 1);
    for (int wave = 0; wave < 400; ++wave) {
      double ky = 0, kx = 0; // 1/angstrom, evenly over the disc or ring up to the Nyquist frequency of 5
      do {
        ky = 10 * uniform(random) - 5;
        kx = 10 * uniform(random) - 5;
      } while ((std::hypot(ky, kx) < cutoff_per_A) != low || std::hypot(ky, kx) > 5);
      const double phase = 2 * std::numbers::pi * uniform(random);
      for (int y = 0; y < square.y; ++y)
        for (int x = 0; x < square.x; ++x)
          image[static_cast<std::size_t>(y * square.x + x)] += static_cast<float>(
              std::cos(2 * std::numbers::pi * (ky * y * pixel.y + kx * x * pixel.x) + phase));
    }
  }
  return image;
}

TEST(RingCorrelation, FindsTheFrequencyUpToWhichTwoImagesAgree) {
  const double cutoff_per_A = 2.0;
  const Image truth = random_waves(cutoff_per_A, 1, 2);
  const Image image = random_waves(cutoff_per_A, 1, 3);
  const RingCorrelation curve = ring_correlation(image, truth, square, pixel, whole);
  ASSERT_TRUE(curve.resolution_A);
  // the window spreads a Fourier pixel of 0.104 / A over its neighbours, so two rings either way
  EXPECT_NEAR(1 / *curve.resolution_A, cutoff_per_A, 0.21);
  EXPECT_GT(curve.correlation[8], 0.99);
}

TEST(RingCorrelation, OfTheTruthReachesTheNyquistFrequency) {
  const Image truth = random_waves(2.0, 1, 2);
  const RingCorrelation curve = ring_correlation(truth, truth, square, pixel, whole);
  ASSERT_TRUE(curve.resolution_A);
  EXPECT_NEAR(*curve.resolution_A, 0.2, 0.01); // two pixels, within the last ring
}

TEST(RingCorrelation, OfUnrelatedImagesGivesNoResolution) {
  const Image truth = random_waves(2.0, 1, 2);
  const RingCorrelation curve = ring_correlation(random_waves(2.0, 5, 6), truth, square, pixel, whole);
  // nothing, or a chance agreement in the few pixels of the lowest rings, no better than a third of the
  // image's 9.6 A
  EXPECT_GT(curve.resolution_A.value_or(1e9), 3.2);
}

TEST(RingCorrelation, LooksPastTheEmptyRingsOfACrystal) {
  const auto lattice = [](int y, int x) { // first, second and fourth order of a 3.2 A period
    const double phase_y = 2 * std::numbers::pi * y / 32, phase_x = 2 * std::numbers::pi * x / 32;
    return std::cos(phase_y) + std::cos(phase_x) + std::cos(2 * phase_y) + std::cos(4 * phase_x);
  };
  const Image truth = image_of(square, lattice);
  const RingCorrelation curve = ring_correlation(with_noise(truth, 0.5, 4), truth, square, pixel, whole);
  ASSERT_TRUE(curve.resolution_A);
  EXPECT_LT(*curve.resolution_A, 0.8 * 1.05); // the fourth order, 3.2 A / 4, is seen
}

} // namespace
} // namespace ptychoscale
