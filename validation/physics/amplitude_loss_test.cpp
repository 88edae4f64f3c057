/// The amplitude loss where a detector pixel is dark: its phase is rounding, and must not steer a step.
#include "ptychoscale/base/half.hpp"
#include "ptychoscale/compute/backend.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

namespace ptychoscale {
namespace {

TEST(AmplitudeLoss, CountsDarkPixelsButGivesThemNoDirection) {
  const auto backend =
      make_backend({.kind = "cpu", .threads = 1, .planning = Planning::estimate, .local_rank = 0});
  const Extent e{4, 8};
  const float least = undetermined_amplitude(e);
  std::vector<Complex> wave(e.area(), Complex{});
  wave[3] = {0, 0.9F * least};
  wave[5] = {0, 1.1F * least};
  wave[6] = {0.5F, 0};
  const std::vector<float> measured(e.area(), 0.25F);
  Buffer<Complex> waves(*backend, wave.size(), MemoryLabel::waves);
  Buffer<Complex> adjoint(*backend, wave.size(), MemoryLabel::waves);
  Buffer<float> amplitudes(*backend, measured.size(), MemoryLabel::measurements);
  waves.upload(wave);
  amplitudes.upload(measured);
  std::array<double, 1> loss{};
  backend->amplitude_loss({waves.data(), 1, e}, amplitudes.data(), {adjoint.data(), 1, e}, loss);
  std::vector<Complex> residual(e.area());
  adjoint.download(residual);

  EXPECT_NEAR(loss[0], 0.25 * 0.25 * static_cast<double>(e.area()), 1e-5); // the lit pixels change it by 1e-6
  EXPECT_EQ(residual[0], Complex{});
  EXPECT_EQ(residual[3], Complex{});
  const float area = static_cast<float>(e.area());
  EXPECT_NEAR(residual[5].imag(), area * (1.1F * least - 0.25F), 1e-5);
  EXPECT_NEAR(residual[6].real(), area * (0.5F - 0.25F), 1e-5);
}

/// Amplitudes from beyond the brightest of a unit beam down to what has no phase in 1024 x 1024 pixels.
std::vector<float> amplitudes_of_all_sizes() {
  std::vector<float> all;
  for (float a = 3.9F; a > 0.5F * undetermined_amplitude({1024, 1024}); a *= 0.97F) all.push_back(a);
  return all;
}

float through_half(float amplitude) {
  return float_from_half(half_from_float(amplitude / half_amplitude_unit)) * half_amplitude_unit;
}

TEST(AmplitudeLoss, Float16KeepsElevenBitsOfEveryAmplitudeThatMatters) {
  for (const float a : amplitudes_of_all_sizes()) EXPECT_LE(std::abs(through_half(a) - a), a * 0x1p-11F) << a;
  EXPECT_EQ(through_half(0), 0);
}

TEST(AmplitudeLoss, AgainstFloat16IsThatAgainstTheRoundedAmplitudesInFloat32) {
  const auto backend = make_backend({.kind = "cpu", .threads = 1, .planning = Planning::estimate});
  const auto measured = amplitudes_of_all_sizes();
  const Extent e{3, static_cast<int>(measured.size() / 3)};
  std::vector<float> rounded(e.area());
  std::vector<std::uint16_t> halves(e.area());
  std::vector<Complex> wave(e.area());
  for (std::size_t i = 0; i < e.area(); ++i) {
    rounded[i] = through_half(measured[i]);
    halves[i] = half_from_float(measured[i] / half_amplitude_unit);
    wave[i] = {0.6F * measured[i], 0.9F * measured[i]};
  }
  Buffer<Complex> waves(*backend, e.area(), MemoryLabel::waves);
  waves.upload(wave);
  const auto outcome = [&](Amplitudes amplitudes) {
    Buffer<Complex> adjoint(*backend, e.area(), MemoryLabel::waves);
    std::array<double, 1> loss{};
    backend->amplitude_loss({waves.data(), 1, e}, amplitudes, {adjoint.data(), 1, e}, loss);
    std::vector<Complex> residual(e.area());
    adjoint.download(residual);
    return std::pair(loss[0], residual);
  };
  Buffer<float> as_floats(*backend, e.area(), MemoryLabel::measurements);
  Buffer<std::uint16_t> as_halves(*backend, e.area(), MemoryLabel::measurements);
  as_floats.upload(rounded);
  as_halves.upload(halves);
  EXPECT_GT(outcome(as_floats.data()).first, 0);
  EXPECT_EQ(outcome(as_halves.data()), outcome(as_floats.data()));
}

TEST(AmplitudeLoss, PixelsWithoutWeightCountNothingAndPullNowhere) {
  const auto backend = make_backend({.kind = "cpu", .threads = 1, .planning = Planning::estimate});
  const Extent e{3, 5};
  const std::vector<Complex> wave(e.area(), Complex{0.5F, 0});
  std::vector<float> measured(e.area(), 0.25F);
  measured[4] = measured[9] = no_weight;
  std::vector<std::uint16_t> halves;
  for (const float a : measured) halves.push_back(half_from_float(a / half_amplitude_unit));
  Buffer<Complex> waves(*backend, wave.size(), MemoryLabel::waves);
  Buffer<Complex> adjoint(*backend, wave.size(), MemoryLabel::waves);
  Buffer<float> as_floats(*backend, e.area(), MemoryLabel::measurements);
  Buffer<std::uint16_t> as_halves(*backend, e.area(), MemoryLabel::measurements);
  waves.upload(wave);
  as_floats.upload(measured);
  as_halves.upload(halves);
  for (const Amplitudes amplitudes : {Amplitudes(as_floats.data()), Amplitudes(as_halves.data())}) {
    std::array<double, 1> loss{};
    backend->amplitude_loss({waves.data(), 1, e}, amplitudes, {adjoint.data(), 1, e}, loss);
    EXPECT_DOUBLE_EQ(loss[0], 13 * 0.25 * 0.25);
    std::vector<Complex> residual(e.area());
    adjoint.download(residual);
    EXPECT_EQ(residual[4], Complex{});
    EXPECT_EQ(residual[9], Complex{});
    EXPECT_EQ(residual[5], Complex(15 * 0.25F, 0));
  }
}

} // namespace
} // namespace ptychoscale
