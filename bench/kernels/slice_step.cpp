// One slice step of the solvers (transmit, transform, propagate, inverse transform), fused and with FFTW's
// lines, beside two bare in-place FFTW transforms planned with MEASURE, one thread, alternating in one run:
// their ratios mean something on a noisy machine. `ratio` and `step_us` are those of what a run does unless
// told otherwise.
#include "context.hpp"
#include "ptychoscale/compute/backend.hpp"

#include <benchmark/benchmark.h>
#include <fftw3.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace ptychoscale {
namespace {

double median(std::vector<double> v) {
  const auto middle = v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2);
  std::nth_element(v.begin(), middle, v.end());
  return *middle;
}

template <class Body> double seconds(const Body& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Forward and inverse FFTW plans of an n x n wave, in place.
class BareTransforms {
public:
  BareTransforms(Complex* wave, int n)
      : forward_(plan(wave, n, FFTW_FORWARD)), inverse_(plan(wave, n, FFTW_BACKWARD)) {}
  ~BareTransforms() {
    fftwf_destroy_plan(forward_);
    fftwf_destroy_plan(inverse_);
  }
  BareTransforms(const BareTransforms&) = delete;
  BareTransforms& operator=(const BareTransforms&) = delete;
  void run() const {
    fftwf_execute(forward_);
    fftwf_execute(inverse_);
  }

private:
  static fftwf_plan plan(Complex* wave, int n, int sign) {
    auto* raw = reinterpret_cast<fftwf_complex*>(wave);
    return fftwf_plan_dft_2d(n, n, raw, raw, sign, FFTW_MEASURE);
  }
  fftwf_plan forward_;
  fftwf_plan inverse_;
};

/// |factor| = 1 everywhere, so that waves neither grow nor fade over millions of steps.
std::vector<Complex> unit_factor(int n) {
  std::vector<Complex> f;
  for (int i = 0; i < n; ++i) f.push_back(std::polar(1.0F, 1e-3F * static_cast<float>(i % (n / 2))));
  return f;
}

/// A backend that has planned for the extent, once: that takes seconds, and the benchmark is called again for
/// every repetition and to find out how many iterations it needs.
Backend& planned_backend(const Extent& extent, Kernels kernels) {
  static std::map<std::pair<int, Kernels>, std::unique_ptr<Backend>> planned;
  auto& backend = planned[{extent.x, kernels}];
  if (!backend) {
    backend = make_backend({.kind = "cpu", .planning = Planning::measure, .kernels = kernels});
    backend->prepare({&extent, 1});
  }
  return *backend;
}

/// A wave on a slice, with one way to step it through.
class Stepped {
public:
  Stepped(Extent extent, Kernels kernels)
      : backend_(planned_backend(extent, kernels)), extent_(extent),
        wave_(backend_, extent.area(), MemoryLabel::waves),
        potential_(backend_, extent.area(), MemoryLabel::volume),
        factor_(backend_, static_cast<std::size_t>(extent.x), MemoryLabel::waves) {
    wave_.upload(std::vector<Complex>(extent.area(), Complex{1e-3F, 2e-3F}));
    std::vector<float> volts(extent.area());
    for (std::size_t i = 0; i < volts.size(); ++i) volts[i] = static_cast<float>(i % 1009);
    potential_.upload(volts);
    factor_.upload(unit_factor(extent.x));
  }
  void step() {
    const Offset origin{};
    const Waves waves{wave_.data(), 1, extent_};
    backend_.transmit(waves, {potential_.data(), extent_}, {&origin, 1}, 7.3e-4F);
    backend_.propagate(waves, {factor_.data(), factor_.data(), nullptr}, Sense::direct);
  }
  [[nodiscard]] Backend& backend() const { return backend_; }

private:
  Backend& backend_;
  Extent extent_;
  Buffer<Complex> wave_;
  Buffer<float> potential_;
  Buffer<Complex> factor_;
};

void slice_step(benchmark::State& state) {
  const int n = static_cast<int>(state.range(0));
  const Extent extent{n, n};
  Stepped fused(extent, Kernels::fused);
  Stepped with_fftw(extent, Kernels::fftw);
  Buffer<Complex> bare(fused.backend(), extent.area(), MemoryLabel::waves);
  const BareTransforms transforms(bare.data(), n);

  std::vector<double> fused_s;
  std::vector<double> fftw_s;
  std::vector<double> bare_s;
  for ([[maybe_unused]] auto _ : state) {
    // Zeroed before each: unscaled transforms would grow to infinity, whose arithmetic costs another time.
    bare.zero();
    bare_s.push_back(seconds([&] { transforms.run(); }));
    fused_s.push_back(seconds([&] { fused.step(); }));
    fftw_s.push_back(seconds([&] { with_fftw.step(); }));
    state.SetIterationTime(fused_s.back());
  }
  const double two_transforms = median(bare_s);
  state.counters["two_transforms_us"] = two_transforms * 1e6;
  state.counters["fused_us"] = median(fused_s) * 1e6;
  state.counters["fftw_us"] = median(fftw_s) * 1e6;
  state.counters["fftw_ratio"] = median(fftw_s) / two_transforms;
  const auto& usual = kernels_of({}) == Kernels::fused ? fused_s : fftw_s;
  state.counters["step_us"] = median(usual) * 1e6;
  state.counters["ratio"] = median(usual) / two_transforms;
}

BENCHMARK(slice_step)
    ->Arg(128)
    ->Arg(168)
    ->Arg(256)
    ->Arg(512)
    ->Arg(1024)
    ->Arg(1152)
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);

} // namespace
} // namespace ptychoscale

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  ptychoscale::add_context();
  benchmark::RunSpecifiedBenchmarks();
}
