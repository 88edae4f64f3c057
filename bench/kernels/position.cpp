// One position, forward model and gradient, on any backend, beside plain copies in the same memory,
// alternating in one run: how close a slice comes to what the memory allows. And several at once, all in the
// same place of the tile: what a small grid gains when its positions share launches.
//
//     position_benchmark --backend cuda --kernels fused --launch direct --benchmark_filter=position/512
//     position_benchmark --backend cuda --kernels fused --benchmark_filter=positions/168/10/32
//
// Counters, of N x N pixels and of one position: `slice_us`, forward and gradient of one slice (a position's
// time over its slices); `step_us`, the forward slice step alone; `copy_GB_per_s`, bytes read and written by
// copies of 256 MiB; `counted_MB`, what a slice moves by count; `R` = (19 x 8 N^2 bytes / copy bandwidth) /
// slice time, of which 1 is what 19 reads or writes of a wave per slice would take.
#include "context.hpp"
#include "copy_time.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/physics.hpp"
#include "ptychoscale/multislice/multislice.hpp"
#include "ptychoscale/multislice/optics.hpp"
#include "ptychoscale/options/backend_options.hpp"

#include <CLI/CLI.hpp>
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <random>
#include <vector>

namespace ptychoscale {
namespace {

constexpr double yardstick_passes = 19; // reads or writes of a wave per slice, forward and gradient
constexpr std::size_t copied_bytes = std::size_t{256} << 20;
constexpr int copies = 10; // in a row, so that starting one costs nothing

/// Reads or writes of one wave (8 N^2 bytes) per slice, reverse adjoint, a voxel counting half a pixel.
/// Separate kernels: forward, six transforms' and products' reads and writes each and V, 12.5; the wave and
/// its adjoint back through the propagator 12 and through the slice 12, V read and gradient added to 1.5.
/// Fused: forward 4.5; columns 4 and rows 4 of both waves, V and gradient 1.5. The CPU keeps a few lines in
/// its caches and fuses likewise. On a GPU fused kernels of several positions leave their gradients apart,
/// and add them up: in one place as here the gradient is read and written once for all of them.
double counted_passes(const BackendOptions& options, int batch) {
  const bool gpu = options.kind == "cuda";
  if (gpu && options.kernels != Kernels::fused) return 12.5 + 12 + 12 + 1.5;
  return 4.5 + 4 + 4 + 1.5 + (gpu && batch > 1 ? 1.0 / batch : 0);
}

double median(std::vector<double> v) {
  const auto middle = v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2);
  std::nth_element(v.begin(), middle, v.end());
  return *middle;
}

std::vector<float> uniform(std::size_t n, float high) {
  std::minstd_rand random(1);
  std::uniform_real_distribution<float> between(0, high);
  std::vector<float> v(n);
  for (auto& x : v) x = between(random);
  return v;
}

/// A window that fills its tile, a position in the middle, and everything one visit needs.
class Visit {
public:
  Visit(Backend& backend, int n, int slices, int batch)
      : backend_(backend), extent_{n, n}, slices_(slices), batch_(static_cast<std::size_t>(batch)),
        centres_(batch_, Position{n / 2 * pixel_A, n / 2 * pixel_A}), origins_(batch_),
        potential_(backend, extent_.area() * static_cast<std::size_t>(slices), MemoryLabel::volume),
        gradient_(backend, potential_.size(), MemoryLabel::accumulation),
        amplitudes_(backend, batch_ * extent_.area(), MemoryLabel::measurements),
        waves_(backend, batch_ * extent_.area(), MemoryLabel::waves),
        factor_(backend, static_cast<std::size_t>(n), MemoryLabel::waves),
        model_(backend, parameters(), make_probe(optics(), extent_, {pixel_A, pixel_A}), batch) {
    potential_.upload(uniform(potential_.size(), 300));
    amplitudes_.upload(uniform(amplitudes_.size(), 2 / static_cast<float>(n)));
    waves_.upload(std::vector<Complex>(waves_.size(), Complex{1e-3F, 2e-3F}));
    factor_.upload(std::vector<Complex>(factor_.size(), Complex{1}));
  }

  /// Seconds of one of the positions.
  [[nodiscard]] double position() {
    return seconds([&] {
             benchmark::DoNotOptimize(model_.loss_and_gradient({potential_.data(), slices_, extent_},
                                                               {gradient_.data(), slices_, extent_}, {},
                                                               centres_, amplitudes_.data()));
           }) /
           static_cast<double>(batch_);
  }
  /// Seconds of one forward slice step of a position, of as many as there are slices.
  [[nodiscard]] double step() {
    const Waves waves{waves_.data(), static_cast<int>(batch_), extent_};
    const Volume volume{potential_.data(), slices_, extent_};
    const auto steps = [&] {
      for (int s = 0; s < slices_; ++s) {
        backend_.transmit(waves, volume.slice(s), origins_, sigma);
        backend_.propagate(waves, {factor_.data(), factor_.data(), nullptr}, Sense::direct);
      }
    };
    return seconds([&] { backend_.replay(steps_, origins_, steps); }) / slices_ / static_cast<double>(batch_);
  }

private:
  static constexpr double pixel_A = 0.1;
  static constexpr double energy_eV = 200e3;
  static constexpr float sigma = 7.3e-4F; // rad / (V * angstrom)

  [[nodiscard]] static Optics optics() { return {energy_eV, 30, -250, 0, true}; }
  [[nodiscard]] MultisliceParameters parameters() const {
    MultisliceParameters p;
    p.detector = extent_;
    p.grid = extent_;
    p.pixel = {pixel_A, pixel_A};
    p.slices = slices_;
    p.slice_thickness_A = 1.25;
    p.wavelength_A = electron_wavelength_A(energy_eV);
    p.sigma = interaction_parameter(energy_eV);
    return p;
  }
  template <class Body> double seconds(const Body& body) {
    backend_.synchronize();
    const auto start = std::chrono::steady_clock::now();
    body();
    backend_.synchronize();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  Backend& backend_;
  Extent extent_;
  int slices_;
  std::size_t batch_;
  std::vector<Position> centres_;
  std::vector<Offset> origins_;
  Buffer<float> potential_, gradient_, amplitudes_;
  Buffer<Complex> waves_, factor_;
  Recording steps_;
  Multislice model_;
};

void measure(benchmark::State& state, const BackendOptions& options, int batch) {
  const int n = static_cast<int>(state.range(0));
  const int slices = static_cast<int>(state.range(1));
  const auto backend = make_backend(options);
  Visit visit(*backend, n, slices, batch);
  const Buffer<std::byte> from(*backend, copied_bytes, MemoryLabel::other);
  const Buffer<std::byte> to(*backend, copied_bytes, MemoryLabel::other);
  const auto copy = [&] {
    return seconds_of_copies(options.kind, to.data(), from.data(), copied_bytes, copies) / copies;
  };
  std::vector<double> position_s;
  std::vector<double> step_s;
  std::vector<double> copy_s;
  for (int warm = 0; warm < 2; ++warm) // the first time loads and allocates, the second one records graphs
    (void)(visit.position() + visit.step() + copy());
  for ([[maybe_unused]] auto _ : state) {
    copy_s.push_back(copy());
    step_s.push_back(visit.step());
    position_s.push_back(visit.position());
    state.SetIterationTime(position_s.back() * batch);
  }
  const double pass_bytes = 8.0 * n * n;
  const double bandwidth = 2.0 * static_cast<double>(copied_bytes) / median(copy_s);
  const double slice_s = median(position_s) / slices;
  state.counters["slice_us"] = slice_s * 1e6;
  state.counters["step_us"] = median(step_s) * 1e6;
  state.counters["copy_GB_per_s"] = bandwidth / 1e9;
  state.counters["counted_MB"] = counted_passes(options, batch) * pass_bytes / 1e6;
  state.counters["R"] = yardstick_passes * pass_bytes / bandwidth / slice_s;
}

int run(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  BackendOptions options;
  CLI::App app("Forward model and gradient of one position, or several at once, beside plain copies; also "
               "takes --benchmark_... options");
  add_backend_options(app, options);
  app.add_option("--threads", options.threads, "Of the cpu backend")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  add_context();
  const auto description = make_backend(options)->description();
  benchmark::AddCustomContext("backend", description);
  benchmark::AddCustomContext("evidence", std::string(evidence_of(description)));
  benchmark::RegisterBenchmark("position", [options](benchmark::State& state) { measure(state, options, 1); })
      ->ArgsProduct({{168, 256, 512, 1024}, {10, 100}})
      ->UseManualTime()
      ->Unit(benchmark::kMicrosecond);
  benchmark::RegisterBenchmark(
      "positions",
      [options](benchmark::State& state) { measure(state, options, static_cast<int>(state.range(2))); })
      ->ArgsProduct({{168, 256, 512}, {10}, {8, 32}})
      ->UseManualTime()
      ->Unit(benchmark::kMicrosecond);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

} // namespace
} // namespace ptychoscale

int main(int argc, char** argv) {
  try {
    return ptychoscale::run(argc, argv);
  } catch (const ptychoscale::InputError& error) {
    std::fprintf(stderr, "position_benchmark: error: %s\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "position_benchmark: error: %s\n", error.what());
    return 1;
  }
}
