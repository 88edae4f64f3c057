// The memory meter against what the driver says is left of the device's memory, and where messages lie.
#include "gpu_test.hpp"
#include "ptychoscale/base/physics.hpp"
#include "ptychoscale/multislice/multislice.hpp"
#include "ptychoscale/multislice/optics.hpp"

#include <cmath>
#include <cuda_runtime.h>
#include <string>

namespace ptychoscale {
namespace {

std::int64_t free_bytes() {
  std::size_t free = 0;
  std::size_t total = 0;
  EXPECT_EQ(cudaMemGetInfo(&free, &total), cudaSuccess);
  return static_cast<std::int64_t>(free);
}

class GpuMemory : public test::NeedsGpu<testing::TestWithParam<Kernels>> {};

// What a tile of the large cases holds. Exchange buffers are not among it: they may be host memory.
TEST_P(GpuMemory, TheMeterAgreesWithTheDriver) {
  constexpr Extent detector{512, 512};
  constexpr Extent tile{1024, 1024};
  constexpr int slices = test::gpu_on_host ? 4 : 32;
  constexpr PixelSize pixel{0.1, 0.1};
  const auto backend = test::make_gpu(GetParam());
  MultisliceParameters p;
  p.detector = detector;
  p.grid = detector;
  p.pixel = pixel;
  p.slices = slices;
  p.slice_thickness_A = 1.25;
  p.wavelength_A = electron_wavelength_A(200e3);
  p.sigma = interaction_parameter(200e3);
  p.adjoint = Adjoint::store;
  const auto probe = make_probe({200e3, 30, -250, 0, true}, detector, pixel);
  const Position centre{51.2, 51.2};
  // One small run first: modules, cuFFT's tables and the stream's own memory are not what is compared.
  {
    auto small = p;
    small.slices = 1;
    Buffer<float> amplitudes(*backend, detector.area(), MemoryLabel::measurements);
    Buffer<float> potential(*backend, tile.area(), MemoryLabel::volume);
    Multislice model(*backend, small, probe);
    model.loss_and_gradient({potential.data(), 1, tile}, {potential.data(), 1, tile}, {}, {&centre, 1},
                            amplitudes.data());
    backend->synchronize();
  }
  const auto free_before = free_bytes();
  const auto meter_before = memory_meter().read().total_now;

  const Buffer<float> potential(*backend, slices * tile.area(), MemoryLabel::volume);
  const Buffer<float> gradient(*backend, slices * tile.area(), MemoryLabel::accumulation);
  const Buffer<float> amplitudes(*backend, 64 * detector.area(), MemoryLabel::measurements);
  Multislice model(*backend, p, probe, 4);
  model.loss_and_gradient({potential.data(), slices, tile}, {gradient.data(), slices, tile}, {}, {&centre, 1},
                          amplitudes.data());
  backend->synchronize();
  const auto taken = static_cast<double>(free_before - free_bytes());
  const auto metered = static_cast<double>(memory_meter().read().total_now - meter_before);
  RecordProperty("metered_bytes", std::to_string(std::llround(metered))); // ci/gpu-check prints both
  RecordProperty("taken_bytes", std::to_string(std::llround(taken)));
  EXPECT_GT(metered, slices * 10e6);
  // The driver hands out pages of 2 MiB, and another process may share the device: 5 % of some 600 MB.
  EXPECT_NEAR(metered / taken, 1, 0.05) << metered << " bytes metered, " << taken << " taken";
}

INSTANTIATE_TEST_SUITE_P(Both, GpuMemory, testing::Values(Kernels::cufft, Kernels::fused),
                         [](const auto& kernels) { return test::name(kernels.param); });

class GpuStaging : public test::NeedsGpu<testing::Test> {};

TEST_F(GpuStaging, LiesInPinnedMemoryAndIsMetered) {
  const auto backend = test::make_gpu(Kernels::cufft);
  EXPECT_FALSE(backend->shares_memory_with_host());
  const auto metered = [] {
    return memory_meter().read().now[static_cast<std::size_t>(MemoryLabel::measurements)];
  };
  const auto before = metered();
  {
    const Buffer<float, Place::staging> staging(*backend, 1000, MemoryLabel::measurements);
    EXPECT_EQ(metered() - before, 4000);
    cudaPointerAttributes attributes{};
    ASSERT_EQ(cudaPointerGetAttributes(&attributes, staging.data()), cudaSuccess);
    EXPECT_EQ(attributes.type, cudaMemoryTypeHost);
  }
  EXPECT_EQ(metered(), before);
}

class GpuMessages : public test::NeedsGpu<testing::TestWithParam<MessageMemory>> {};

TEST_P(GpuMessages, LieWhereTheOptionSaysAndCarryEveryBit) {
  constexpr Extent tile{40, 56};
  constexpr int slices = 3;
  constexpr Box box{3, 33, 5, 50};
  const auto backend =
      make_backend({.kind = "cuda", .messages = GetParam(), .mpi_takes_device_memory = true});
  const auto values = test::random_floats(slices * tile.area(), -1, 1, 1);
  const auto from = test::upload(*backend, values, MemoryLabel::volume);
  const Buffer<float> to(*backend, from.size(), MemoryLabel::volume);
  const Buffer<float> packed(*backend, slices * box.extent().area(), MemoryLabel::exchange);
  cudaPointerAttributes attributes{};
  ASSERT_EQ(cudaPointerGetAttributes(&attributes, packed.data()), cudaSuccess);
  EXPECT_EQ(attributes.type, GetParam() == MessageMemory::device ? cudaMemoryTypeDevice : cudaMemoryTypeHost);

  backend->pack(packed.data(), {from.data(), slices, tile}, box, 0, slices);
  backend->unpack({to.data(), slices, tile}, packed.data(), box, 0, slices, Merging::replace);
  auto expected = values;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const auto y = static_cast<int>(i / tile.x % tile.y);
    const auto x = static_cast<int>(i % tile.x);
    if (y < box.y0 || y >= box.y1 || x < box.x0 || x >= box.x1) expected[i] = 0;
  }
  EXPECT_EQ(test::download(*backend, to), expected);
}

INSTANTIATE_TEST_SUITE_P(Both, GpuMessages, testing::Values(MessageMemory::host, MessageMemory::device),
                         [](const auto& memory) {
                           return memory.param == MessageMemory::device ? "device" : "host";
                         });

} // namespace
} // namespace ptychoscale
