// Waves, cost and gradient of the multislice model on the GPU against the CPU.
#include "gpu_test.hpp"
#include "ptychoscale/base/physics.hpp"
#include "ptychoscale/multislice/multislice.hpp"
#include "ptychoscale/multislice/probe_modes.hpp"

#include <tuple>

namespace ptychoscale {
namespace {

constexpr double energy_eV = 200e3;
constexpr Extent detector{64, 64};
constexpr Extent specimen_extent{96, 104};
constexpr Offset origin{3, -2}; // two windows leave the tile
constexpr PixelSize pixel{0.25, 0.25};
constexpr int slices = 7;
const std::vector<Position> positions{{9.3, 6.8}, {14.1, 12.2}, {20.7, 15.4}};

struct Variant {
  const char* name;
  GridKind grid;
  Bandwidth bandwidth;
  Adjoint adjoint;
  int modes = 1; ///< of the probe
};

ApertureProbe probe_of(const Variant& v) {
  return make_modes(crop_to_aperture(make_probe({energy_eV, 22, -150, 0, true}, detector, pixel), detector),
                    v.modes, 0.1);
}

/// What a backend makes of one model.
struct Outcome {
  std::vector<Complex> waves;     ///< behind each slice, first incident wave
  std::vector<float> intensities; ///< of all positions
  double cost = 0;
  std::vector<float> gradient; ///< of all positions
  std::vector<float> stepped;  ///< the potential after one local step of the first position
};

MultisliceParameters parameters(const Variant& v) {
  MultisliceParameters p;
  p.detector = detector;
  p.grid = v.grid == GridKind::tile ? specimen_extent : detector;
  p.pixel = pixel;
  p.slices = slices;
  p.slice_thickness_A = 3;
  p.wavelength_A = electron_wavelength_A(energy_eV);
  p.sigma = interaction_parameter(energy_eV);
  p.grid_kind = v.grid;
  p.bandwidth = v.bandwidth;
  p.adjoint = v.adjoint;
  return p;
}

Outcome outcome(Backend& backend, const Variant& variant) {
  const auto batch = static_cast<int>(positions.size());
  const auto p = parameters(variant);
  Multislice model(backend, p, probe_of(variant), batch);
  const std::size_t voxels = slices * specimen_extent.area();
  const auto specimen = test::random_floats(voxels, -100, 300, 1);
  auto potential = test::upload(backend, specimen, MemoryLabel::volume);
  Buffer<float> gradient(backend, voxels, MemoryLabel::accumulation);
  // As bright as the model's own patterns, and unlike them: a hundredth of unity is the mean amplitude.
  const auto amplitudes = test::upload(backend, test::random_floats(batch * detector.area(), 0, 0.03F, 2),
                                       MemoryLabel::measurements);
  const Volume volume{potential.data(), slices, specimen_extent};

  Outcome o;
  if (variant.grid == GridKind::window)
    o.waves = model.slice_waves(volume, origin, test::random_waves(detector.area(), 3));
  o.intensities.resize(batch * detector.area());
  model.intensities(volume, origin, positions, o.intensities);
  o.cost = model.loss_and_gradient(volume, {gradient.data(), slices, specimen_extent}, origin, positions,
                                   amplitudes.data());
  o.gradient = test::download(backend, gradient);
  model.loss_and_gradient(volume, {}, origin, {positions.data(), 1}, amplitudes.data(), 1e3F);
  o.stepped = test::download(backend, potential);
  return o;
}

/// Losses, gradients and potential of visits as solvers make them: other positions, another gradient, no
/// gradient and a step, another step, several at once, fewer at once; then as before several needed more
/// memory than was there. Each kind three times: sweeps run first, are captured then, and after that are
/// graphs.
std::vector<double> visits(Backend& backend, const Variant& variant) {
  const std::size_t voxels = slices * specimen_extent.area();
  const auto all = static_cast<int>(positions.size());
  Multislice model(backend, parameters(variant), probe_of(variant), all);
  auto potential = test::upload(backend, test::random_floats(voxels, -100, 300, 1), MemoryLabel::volume);
  Buffer<float> one(backend, voxels, MemoryLabel::accumulation);
  Buffer<float> other(backend, voxels, MemoryLabel::accumulation);
  const auto amplitudes = test::upload(backend, test::random_floats(all * detector.area(), 0, 0.03F, 2),
                                       MemoryLabel::measurements);
  std::vector<double> numbers;
  const auto visit = [&](float* gradient, float step, int first, int count) {
    const Volume into = gradient == nullptr ? Volume{} : Volume{gradient, slices, specimen_extent};
    numbers.push_back(model.loss_and_gradient({potential.data(), slices, specimen_extent}, into, origin,
                                              std::span(positions).subspan(first, count), amplitudes.data(),
                                              step));
  };
  for (float* gradient : {one.data(), other.data()})
    for (int k = 0; k < all; ++k) visit(gradient, 0, k, 1);
  for (const float step : {1e3F, 3e2F})
    for (int k = 0; k < all; ++k) visit(nullptr, step, k, 1);
  for (const int count : {all, all - 1})
    for (int round = 0; round < 3; ++round) visit(one.data(), 0, round % (all - count + 1), count);
  for (int k = 0; k < all; ++k) visit(nullptr, 3e2F, k, 1);
  for (const auto* buffer : {&potential, &one, &other})
    for (const float x : test::download(backend, *buffer)) numbers.push_back(x);
  return numbers;
}

class GpuMultislice : public test::NeedsGpu<testing::TestWithParam<std::tuple<Variant, Kernels>>> {
protected:
  Variant variant = std::get<0>(GetParam());
  Kernels kernels = std::get<1>(GetParam());
};

TEST_P(GpuMultislice, WavesCostAndGradientEqualTheCpu) {
  const auto cpu = test::make_cpu();
  const auto gpu = test::make_gpu(kernels);
  const auto expected = outcome(*cpu, variant);
  const auto ours = outcome(*gpu, variant);
  EXPECT_LT(test::relative_l2(ours.waves, expected.waves), test::equal_to_cpu);
  EXPECT_LT(test::relative_l2(ours.intensities, expected.intensities), test::equal_to_cpu);
  EXPECT_NEAR(ours.cost / expected.cost, 1, test::equal_to_cpu);
  EXPECT_LT(test::relative_l2(ours.gradient, expected.gradient), test::equal_to_cpu);
  EXPECT_LT(test::relative_l2(ours.stepped, expected.stepped), test::equal_to_cpu);
}

TEST_P(GpuMultislice, GivesTheSameBitsEachTime) {
  const auto gpu = test::make_gpu(kernels);
  const auto first = outcome(*gpu, variant);
  const auto second = outcome(*gpu, variant);
  EXPECT_EQ(first.waves, second.waves);
  EXPECT_EQ(first.intensities, second.intensities);
  EXPECT_EQ(first.cost, second.cost);
  EXPECT_EQ(first.gradient, second.gradient);
  EXPECT_EQ(first.stepped, second.stepped);
}

// The same kernels with the same arguments: nothing may differ.
TEST_P(GpuMultislice, AsGraphsGivesTheBitsOfDirectLaunches) {
  const auto graph = test::make_gpu(kernels, Launch::graph);
  const auto direct = test::make_gpu(kernels, Launch::direct);
  EXPECT_EQ(visits(*graph, variant), visits(*direct, variant));
}

// More than the origins that one launch carries to the device.
TEST_P(GpuMultislice, ManyPositionsAtOnceGiveTheBitsOfOneByOne) {
  constexpr int many = 70;
  auto p = parameters(variant);
  p.slices = 2;
  const auto gpu = test::make_gpu(kernels);
  const auto volume = test::upload(*gpu, test::random_floats(p.slices * specimen_extent.area(), -100, 300, 1),
                                   MemoryLabel::volume);
  std::vector<Position> where;
  for (int i = 0; i < many; ++i) where.push_back({10.0 + 0.05 * i, 12.0 - 0.07 * i});
  const auto intensities = [&](int at_once) {
    Multislice model(*gpu, p, make_probe({energy_eV, 22, -150, 0, true}, detector, pixel), at_once);
    std::vector<float> all(many * detector.area());
    for (int i = 0; i < many; i += at_once)
      model.intensities({volume.data(), p.slices, specimen_extent}, origin,
                        std::span(where).subspan(i, at_once),
                        std::span(all).subspan(i * detector.area(), at_once * detector.area()));
    return all;
  };
  EXPECT_EQ(intensities(many), intensities(1));
}

std::string test_name(const testing::TestParamInfo<std::tuple<Variant, Kernels>>& info) {
  const auto [variant, kernels] = info.param;
  return std::string(variant.name) + "_" + test::name(kernels);
}

using enum GridKind;
using enum Adjoint;
INSTANTIATE_TEST_SUITE_P(
    Variants, GpuMultislice,
    testing::Combine(testing::Values(Variant{"window_reverse", window, Bandwidth::none, reverse},
                                     Variant{"window_store", window, Bandwidth::none, store},
                                     Variant{"window_checkpoint", window, Bandwidth::none, checkpoint},
                                     Variant{"tile_reverse", tile, Bandwidth::none, reverse},
                                     Variant{"limited_store", window, Bandwidth::two_thirds, store},
                                     Variant{"limited_tile", tile, Bandwidth::two_thirds, checkpoint},
                                     Variant{"modes", window, Bandwidth::none, reverse, 2}),
                     testing::Values(Kernels::cufft, Kernels::fused)),
    test_name);

} // namespace
} // namespace ptychoscale
