/// The amplitude loss where a detector pixel is dark: its phase is rounding, and must not steer a step.
#include "ptychoscale/compute/backend.hpp"

#include <gtest/gtest.h>

#include <array>

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

} // namespace
} // namespace ptychoscale
