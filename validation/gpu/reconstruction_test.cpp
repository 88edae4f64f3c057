// A few iterations of every solver on the GPU against the CPU, on 1, 2 and 4 ranks that share it.
#include "../mpi/mpi_test.hpp"
#include "../mpi/small_experiment.hpp"
#include "gpu_test.hpp"
#include "ptychoscale/base/physics.hpp"
#include "ptychoscale/compute/frequency.hpp"
#include "ptychoscale/io/window_model.hpp"
#include "ptychoscale/reconstruct/reconstruct.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdlib>
#include <map>
#include <numbers>

namespace ptychoscale {
namespace {

/// Five in which rounding adds up; on the host, where that is the same in all, two: one that begins and one
/// that goes on.
constexpr int iterations = test::gpu_on_host ? 2 : 5;

const test::SmallExperiment experiment{.detector = {64, 64},
                                       .pixel = {0.25, 0.25},
                                       .slices = 4,
                                       .slice_thickness_A = 3,
                                       .volume = {112, 112},
                                       .scan = {4, 4},
                                       .scan_step_A = {2.5, 2.5},
                                       .first_A = {10.2, 10.1},
                                       .semiangle_mrad = 22,
                                       .C10_A = -150};

/// A defocused Gaussian beam, which lights every pixel of the detector. Beside the disc of a sharp aperture a
/// wave is so weak that its phase, which the gradient has, is little more than rounding: there a last bit of
/// the measurements moves a volume by 2e-4 in five iterations, on the CPU alone.
void light_every_pixel(DatasetHeader& h) {
  constexpr double width = 1.5; // 1/A
  constexpr double C10_A = -80;
  double power = 0;
  for (int i = 0; i < h.detector.y; ++i)
    for (int j = 0; j < h.detector.x; ++j) {
      const double ky = signed_frequency(i, h.detector.y) / (h.detector.y * h.pixel.y);
      const double kx = signed_frequency(j, h.detector.x) / (h.detector.x * h.pixel.x);
      const double k2 = ky * ky + kx * kx;
      const auto wave = std::polar(std::exp(-k2 / (width * width)),
                                   -std::numbers::pi * electron_wavelength_A(h.energy_eV) * C10_A * k2);
      h.probe[static_cast<std::size_t>(i * h.detector.x + j)] = Complex(wave);
      power += std::norm(wave);
    }
  for (auto& w : h.probe) w /= static_cast<float>(std::sqrt(power));
}

DatasetHeader header() {
  auto h = test::header_of(experiment);
  light_every_pixel(h);
  return h;
}

/// Amplitudes [position][ky][kx] of the specimen, by the CPU.
std::vector<float> measure(const DatasetHeader& h) {
  const auto cpu = test::make_cpu();
  const auto volume = test::upload(*cpu, test::smooth_specimen(h), MemoryLabel::volume);
  Multislice model(*cpu, window_model(h), h.probe);
  std::vector<float> all;
  std::vector<float> pattern(h.detector.area());
  for (const auto& position : h.positions_A) {
    model.intensities({volume.data(), h.slices, h.volume}, {}, {&position, 1}, pattern);
    for (const float intensity : pattern) all.push_back(std::sqrt(intensity));
  }
  return all;
}

struct Ending {
  std::vector<float> tile; ///< this rank's
  std::vector<double> cost;
  std::vector<Complex> probe; ///< where it was refined
};

class GpuReconstruction : public test::NeedsGpu<test::MpiTest>, public testing::WithParamInterface<Kernels> {
protected:
  DatasetHeader h = header();
  std::vector<float> amplitudes = measure(h);

  Ending run(Backend& backend, const ReconstructionOptions& options) const {
    const Acquisition acquisition{h, [this](int position, std::span<float> out) {
                                    const auto first = static_cast<std::size_t>(position) * out.size();
                                    std::copy_n(amplitudes.begin() + static_cast<std::ptrdiff_t>(first),
                                                out.size(), out.begin());
                                  }};
    const auto plan = plan_reconstruction(h, options, comm.size());
    auto result = reconstruct(comm, backend, acquisition, plan, options, {});
    Ending r{test::download(backend, result.volume), result.cost, result.probe};
    result.volume = {}; // before its backend goes
    return r;
  }

  /// Every method and update rule that this number of ranks can run.
  [[nodiscard]] std::vector<ReconstructionOptions> solvers() const {
    std::vector<ReconstructionOptions> all;
    if (comm.size() == 1) all.push_back({.method = Method::serial, .iterations = iterations});
    for (const auto update :
         {UpdateRule::as_printed, UpdateRule::once, UpdateRule::averaged, UpdateRule::batch})
      all.push_back({.method = Method::gd, .iterations = iterations, .update = update, .rounds = 2});
    for (const auto update : {UpdateRule::once, UpdateRule::averaged, UpdateRule::batch})
      all.push_back(
          {.method = Method::gd, .iterations = iterations, .update = update, .rounds = 2, .delay = 1});
    all.push_back({.method = Method::gd, .iterations = iterations, .update = UpdateRule::accelerated});
    all.push_back({.method = Method::gd,
                   .iterations = iterations,
                   .update = UpdateRule::batch,
                   .measurement_type = MeasurementType::float16,
                   .positions_at_once = 3});
    if (comm.size() > 1)
      for (const auto exchange : {ExchangeKind::passes, ExchangeKind::neighbours, ExchangeKind::allreduce})
        all.push_back({.method = Method::gd, .iterations = 2, .exchange = exchange});
    all.push_back({.method = Method::hve, .iterations = iterations, .extra_rows = 1});
    all.push_back({.method = Method::hve, .iterations = iterations, .extra_rows = 1, .refine_probe = 2});
    all.push_back({.method = Method::gd,
                   .iterations = iterations,
                   .update = UpdateRule::batch,
                   .positions_at_once = 3,
                   .refine_probe = 2});
    all.push_back(
        {.method = Method::hve, .iterations = 5, .extra_rows = 1, .refine_probe = 2, .probe_modes = 2});
    all.push_back({.method = Method::gd,
                   .iterations = 5,
                   .update = UpdateRule::batch,
                   .positions_at_once = 3,
                   .refine_probe = 2,
                   .probe_modes = 3});
    return all;
  }

  /// How each of them ends on the GPU, with messages from host memory: run once, for all tests.
  [[nodiscard]] const std::vector<Ending>& on_gpu() const {
    static std::map<Kernels, std::vector<Ending>> endings;
    auto& all = endings[GetParam()];
    if (all.empty()) {
      const auto gpu = test::make_gpu(GetParam());
      for (const auto& options : solvers()) all.push_back(run(*gpu, options));
    }
    return all;
  }
};

std::string described(const ReconstructionOptions& o) {
  return std::string(name(o.method)) + ", " + std::string(name(o.update)) + ", " +
         std::string(name(o.exchange)) + ", " + std::to_string(o.positions_at_once) + " at once";
}

TEST_P(GpuReconstruction, IterationsEqualTheCpu) {
  const auto cpu = test::make_cpu();
  auto ending = on_gpu().begin();
  for (const auto& options : solvers()) {
    const auto expected = run(*cpu, options);
    const auto& ours = *ending++;
    // Rounding of 1e-7 per slice step, which 16 positions in 5 iterations pass on to each other: a last bit
    // of the measurements moves a volume by 1e-6. The bar that the project set itself is 1e-4.
    EXPECT_LT(test::relative_l2(ours.tile, expected.tile), 1e-5) << described(options);
    EXPECT_LT(test::relative_l2(ours.cost, expected.cost), 1e-5) << described(options);
    EXPECT_EQ(ours.probe.empty(), options.refine_probe == 0) << described(options);
    EXPECT_LT(test::relative_l2(ours.probe, expected.probe), 1e-5) << described(options); // 0 of none
  }
}

/// As the MPI library says; where CUDA on the host leaves device memory open, any library does.
bool mpi_takes_device_memory() {
  return Communicator::takes_device_memory() || std::getenv("CUDA_ON_HOST_OPEN") != nullptr;
}

// Once with messages from host memory, once as users get it: from the GPU's if MPI takes them.
TEST_P(GpuReconstruction, GivesTheSameBitsEachTime) {
  const auto as_chosen = make_backend(
      {.kind = "cuda", .kernels = GetParam(), .mpi_takes_device_memory = mpi_takes_device_memory()});
  EXPECT_EQ(as_chosen->description().ends_with("messages from device memory"), mpi_takes_device_memory());
  EXPECT_EQ(as_chosen->device().size(), 12U) << as_chosen->device(); // as 0000:00:00.0
  auto ending = on_gpu().begin();
  for (const auto& options : solvers()) {
    const auto& first = *ending++;
    const auto second = run(*as_chosen, options);
    EXPECT_EQ(first.tile, second.tile) << described(options);
    EXPECT_EQ(first.cost, second.cost) << described(options);
    EXPECT_EQ(first.probe, second.probe) << described(options);
  }
}

// Patterns that another thread loads while the GPU works are the same, and there when they are needed.
TEST_P(GpuReconstruction, GivesTheSameBitsFromStreamedMeasurements) {
  const auto gpu = test::make_gpu(GetParam());
  for (const auto type : {MeasurementType::float32, MeasurementType::float16}) {
    ReconstructionOptions options{.iterations = 2,
                                  .update = UpdateRule::batch,
                                  .measurement_type = type,
                                  .positions_at_once = type == MeasurementType::float32 ? 1 : 3};
    const auto resident = run(*gpu, options);
    options.stream_measurements = true;
    const auto streamed = run(*gpu, options);
    EXPECT_EQ(streamed.tile, resident.tile) << described(options);
    EXPECT_EQ(streamed.cost, resident.cost) << described(options);
  }
}

INSTANTIATE_TEST_SUITE_P(Both, GpuReconstruction, testing::Values(Kernels::cufft, Kernels::fused),
                         [](const auto& kernels) { return test::name(kernels.param); });

} // namespace
} // namespace ptychoscale
