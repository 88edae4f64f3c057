/// What three threads of the CPU backend compute is what one computes, bit by bit: every loop that they
/// share. ThreadSanitizer looks at the same loops, see ci/sanitize.

#include "ptychoscale/base/physics.hpp"
#include "ptychoscale/compute/backend.hpp"
#include "ptychoscale/multislice/multislice.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace ptychoscale {
namespace {

constexpr Extent detector{36, 40};
constexpr Extent tile_extent{44, 50};
constexpr PixelSize pixel{0.31, 0.26};
constexpr int slices = 4;
constexpr int waves = 2;

std::vector<float> random_numbers(std::size_t n, float least, float most) {
  std::mt19937 random(7);
  std::uniform_real_distribution<float> distribution(least, most);
  std::vector<float> numbers(n);
  for (float& x : numbers) x = distribution(random);
  return numbers;
}

Buffer<float> uploaded(Backend& backend, const std::vector<float>& numbers) {
  Buffer<float> buffer(backend, numbers.size(), MemoryLabel::volume);
  buffer.upload(numbers);
  return buffer;
}

std::vector<float> downloaded(const Buffer<float>& buffer) {
  std::vector<float> numbers(buffer.size());
  buffer.download(numbers);
  return numbers;
}

struct Variant {
  const char* name;
  GridKind grid;
  Bandwidth bandwidth;
  Adjoint adjoint;
};

struct Computed {
  std::vector<float> intensities;
  double loss = 0;
  std::vector<float> gradient;
  std::vector<float> stepped;
  bool operator==(const Computed&) const = default;
};

Computed compute(const Variant& variant, int threads) {
  const auto backend = make_backend({.kind = "cpu", .threads = threads, .planning = Planning::estimate});
  MultisliceParameters p;
  p.detector = detector;
  p.grid = variant.grid == GridKind::tile ? Extent{48, 54} : detector;
  p.pixel = pixel;
  p.slices = slices;
  p.slice_thickness_A = 3;
  p.wavelength_A = electron_wavelength_A(80e3);
  p.sigma = interaction_parameter(80e3);
  p.grid_kind = variant.grid;
  p.bandwidth = variant.bandwidth;
  p.adjoint = variant.adjoint;
  Multislice model(*backend, p, make_probe({80e3, 38, -20, 2e4, true}, detector, pixel), waves);
  const std::vector<Position> positions{{22 * 0.31, 24 * 0.26},
                                        {26.4 * 0.31, 17.7 * 0.26}}; // their windows overlap

  const std::vector<float> start = random_numbers(slices * tile_extent.area(), -300, 900);
  auto potential = uploaded(*backend, start);
  auto gradient = uploaded(*backend, std::vector<float>(start.size()));
  auto amplitudes = uploaded(*backend, random_numbers(waves * detector.area(), 0, 0.05F));
  const auto view = [](Buffer<float>& b) { return Volume{b.data(), slices, tile_extent}; };
  Computed c;
  c.intensities.resize(waves * detector.area());
  model.intensities(view(potential), {}, positions, c.intensities);
  c.loss = model.loss_and_gradient(view(potential), view(gradient), {}, positions, amplitudes.data());
  c.gradient = downloaded(gradient);
  model.loss_and_gradient(view(potential), {}, {}, {positions.data(), 1}, amplitudes.data(), 3e3F);
  c.stepped = downloaded(potential);
  return c;
}

class OnThreads : public testing::TestWithParam<Variant> {};

TEST_P(OnThreads, TheModelHasTheSameBits) {
  const Computed one = compute(GetParam(), 1);
  EXPECT_NE(one.gradient, std::vector<float>(one.gradient.size()));
  EXPECT_NE(one.gradient, one.stepped);
  EXPECT_TRUE(compute(GetParam(), 3) == one);
}

using enum GridKind;
using enum Adjoint;
INSTANTIATE_TEST_SUITE_P(Variants, OnThreads,
                         testing::Values(Variant{"reverse", window, Bandwidth::none, reverse},
                                         Variant{"store", window, Bandwidth::none, store},
                                         Variant{"checkpoint", window, Bandwidth::none, checkpoint},
                                         Variant{"tile", tile, Bandwidth::none, reverse},
                                         Variant{"limited", window, Bandwidth::two_thirds, store},
                                         Variant{"limited_tile", tile, Bandwidth::two_thirds, checkpoint}),
                         [](const auto& variant) { return std::string(variant.param.name); });

std::vector<float> with_volumes(int threads) {
  const auto backend = make_backend({.kind = "cpu", .threads = threads, .planning = Planning::estimate});
  const Box box{3, 40, 5, 47};
  auto mine = uploaded(*backend, random_numbers(slices * tile_extent.area(), -1, 1));
  auto weights = uploaded(*backend, random_numbers(tile_extent.area(), 0, 1));
  auto packed = uploaded(*backend, std::vector<float>(slices * box.extent().area()));
  const Volume volume{mine.data(), slices, tile_extent};
  backend->pack(packed.data(), volume, box, 1, slices);
  backend->scale(volume, weights.data());
  backend->unpack(volume, packed.data(), box, 0, slices - 1, Merging::add);
  backend->axpy(mine.data(), 0.3F, packed.data(), packed.size());
  backend->unpack(volume, packed.data(), {box.y0 + 1, box.y1 + 1, box.x0 - 1, box.x1 - 1}, 0, 1,
                  Merging::replace);
  return downloaded(mine);
}

TEST(VolumesOnThreads, HaveTheSameBits) {
  const auto one = with_volumes(1);
  EXPECT_NE(one, random_numbers(one.size(), -1, 1));
  EXPECT_EQ(with_volumes(3), one);
}

} // namespace
} // namespace ptychoscale
