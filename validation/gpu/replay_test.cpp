// What cannot be recorded is refused with the driver's words, and leaves the backend as it was; what another
// thread does meanwhile can.
#include "gpu_test.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <future>

namespace ptychoscale {
namespace {

constexpr Extent grid{64, 64};
constexpr float sigma = 1e-3F; // rad / (V * angstrom)
constexpr std::array<Offset, 1> announced{Offset{2, -3}};
constexpr std::array<Offset, 1> other{Offset{-1, 4}};

class GpuReplay : public test::NeedsGpu<testing::TestWithParam<Kernels>> {
protected:
  void SetUp() override {
    NeedsGpu::SetUp();
    if (IsSkipped()) return;
    backend = test::make_gpu(GetParam());
    backend->prepare(std::array{grid});
    wave = test::upload(*backend, test::random_waves(grid.area(), 1), MemoryLabel::waves);
    potential = test::upload(*backend, test::random_floats(grid.area(), -300, 900, 2), MemoryLabel::volume);
  }
  void TearDown() override {
    recording = {};
    kept.clear();
    wave = {};
    potential = {};
  }
  void transmit(std::span<const Offset> origins) {
    backend->transmit({wave.data(), 1, grid}, {potential.data(), grid}, origins, sigma);
  }
  [[nodiscard]] std::string complaint(const std::function<void()>& verbs) {
    try {
      backend->replay(recording, announced, verbs);
    } catch (const RunError& error) {
      return error.what();
    }
    return "none";
  }
  /// The wave as it is now through a slice three times, recorded, and on the CPU: what was refused did no
  /// harm.
  void expect_that_all_works() {
    const auto cpu = test::make_cpu();
    cpu->prepare(std::array{grid});
    const auto expected = test::upload(*cpu, test::download(*backend, wave), MemoryLabel::waves);
    const auto volts = test::upload(*cpu, test::download(*backend, potential), MemoryLabel::volume);
    recording = {};
    for (int call = 0; call < 3; ++call) {
      backend->replay(recording, announced, [this] { transmit(announced); });
      cpu->transmit({expected.data(), 1, grid}, {volts.data(), grid}, announced, sigma);
    }
    EXPECT_LT(test::relative_l2(test::download(*backend, wave), test::download(*cpu, expected)),
              test::equal_to_cpu);
  }

  std::unique_ptr<Backend> backend;
  Buffer<Complex> wave;
  Buffer<float> potential;
  Recording recording;
  std::vector<Buffer<float>> kept;
};

TEST_P(GpuReplay, RefusesToWaitForTheDevice) {
  const auto waits = [this] {
    transmit(announced);
    backend->synchronize();
  };
  EXPECT_EQ(complaint(waits), "none"); // nothing is recorded yet
  EXPECT_NE(complaint(waits).find("cudaErrorStreamCapture"), std::string::npos);
  expect_that_all_works();
}

TEST_P(GpuReplay, RefusesToAllocate) {
  const auto allocates = [this] { // nothing is given back, which would void the recording
    transmit(announced);
    kept.emplace_back(*backend, 1, MemoryLabel::waves);
  };
  EXPECT_EQ(complaint(allocates), "none");
  EXPECT_NE(complaint(allocates).find("cudaErrorStreamCapture"), std::string::npos);
  expect_that_all_works();
}

TEST_P(GpuReplay, LetsAnotherThreadLoadWhileItRecords) {
  const auto values = test::random_floats(1000, -1, 1, 3);
  const Buffer<float> loaded(*backend, values.size(), MemoryLabel::measurements);
  const Buffer<float, Place::staging> staging(*backend, values.size(), MemoryLabel::measurements);
  const auto loads = [&] {
    transmit(announced);
    std::ranges::copy(values, staging.host().begin());
    std::async(std::launch::async, [&] {
      backend->load(loaded.data(), staging.data(), staging.bytes());
    }).get();
    std::ranges::fill(staging.host(), 0); // has gone
  };
  EXPECT_EQ(complaint(loads), "none");
  backend->zero(loaded.data(), loaded.bytes());
  backend->synchronize();
  EXPECT_EQ(complaint(loads), "none");
  EXPECT_EQ(test::download(*backend, loaded), values);
  expect_that_all_works();
}

TEST_P(GpuReplay, RefusesOriginsThatWereNotAnnounced) {
  const auto moves = [this] { transmit(other); };
  EXPECT_EQ(complaint(moves), "none");
  EXPECT_NE(complaint(moves).find("other origins than it was announced with"), std::string::npos);
  expect_that_all_works();
}

INSTANTIATE_TEST_SUITE_P(Both, GpuReplay, testing::Values(Kernels::cufft, Kernels::fused),
                         [](const auto& kernels) { return test::name(kernels.param); });

} // namespace
} // namespace ptychoscale
