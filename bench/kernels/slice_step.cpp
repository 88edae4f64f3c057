// One slice step of the solvers (transmit, transform, propagate, inverse transform) beside two bare in-place
// FFTW transforms, both planned with MEASURE, one thread, alternating in one run: their ratio means something
// on a noisy machine.
#include "ptychoscale/compute/backend.hpp"

#include <benchmark/benchmark.h>
#include <fftw3.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <memory>
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
Backend& planned_backend(const Extent& extent) {
  static std::map<int, std::unique_ptr<Backend>> planned;
  auto& backend = planned[extent.x];
  if (!backend) {
    backend = make_backend({"cpu", 1, Planning::measure});
    backend->prepare({&extent, 1});
  }
  return *backend;
}

void slice_step(benchmark::State& state) {
  const int n = static_cast<int>(state.range(0));
  const Extent extent{n, n};
  Backend& backend = planned_backend(extent);
  const auto floats = extent.area();
  Buffer<Complex> bare(backend, floats, MemoryLabel::waves);
  const BareTransforms transforms(bare.data(), n);
  Buffer<Complex> wave(backend, floats, MemoryLabel::waves);
  wave.upload(std::vector<Complex>(floats, Complex{1e-3F, 2e-3F}));
  Buffer<float> potential(backend, floats, MemoryLabel::volume);
  std::vector<float> volts(floats);
  for (std::size_t i = 0; i < floats; ++i) volts[i] = static_cast<float>(i % 1009);
  potential.upload(volts);
  Buffer<Complex> factor(backend, static_cast<std::size_t>(n), MemoryLabel::waves);
  factor.upload(unit_factor(n));
  const Waves waves{wave.data(), 1, extent};
  const Offset origin{};

  std::vector<double> step_s;
  std::vector<double> bare_s;
  for ([[maybe_unused]] auto _ : state) {
    // Zeroed before each: unscaled transforms would grow to infinity, whose arithmetic costs another time.
    bare.zero();
    bare_s.push_back(seconds([&] { transforms.run(); }));
    step_s.push_back(seconds([&] {
      backend.transmit(waves, {potential.data(), extent}, {&origin, 1}, 7.3e-4F);
      backend.propagate(waves, {factor.data(), factor.data(), nullptr}, Sense::direct);
    }));
    state.SetIterationTime(step_s.back());
  }
  state.counters["step_us"] = median(step_s) * 1e6;
  state.counters["two_transforms_us"] = median(bare_s) * 1e6;
  state.counters["ratio"] = median(step_s) / median(bare_s);
}

BENCHMARK(slice_step)->RangeMultiplier(2)->Range(128, 1024)->UseManualTime()->Unit(benchmark::kMicrosecond);

} // namespace
} // namespace ptychoscale

BENCHMARK_MAIN();
