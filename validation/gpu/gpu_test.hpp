#pragma once

#include "ptychoscale/base/error.hpp"
#include "ptychoscale/compute/backend.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <memory>
#include <random>
#include <string>
#include <vector>

// What the tests of the CUDA backend share: they are skipped, with the backend's own words, where no GPU can
// be used. The CPU backend, which has its own tests against fp64 references, is what they compare with.
namespace ptychoscale::test {

/// Whether the kernels run on the host, a thousand times slower: what tests repeat or hold there is less.
inline constexpr bool gpu_on_host = PTYCHOSCALE_CUDA_ON_HOST;

[[nodiscard]] inline std::unique_ptr<Backend> make_gpu(Kernels kernels, Launch launch = Launch::graph) {
  return make_backend({.kind = "cuda", .kernels = kernels, .launch = launch});
}
[[nodiscard]] inline std::string name(Kernels kernels) {
  return kernels == Kernels::fused ? "fused" : "cufft";
}
[[nodiscard]] inline std::unique_ptr<Backend> make_cpu() {
  return make_backend({.kind = "cpu", .threads = 1, .planning = Planning::estimate});
}

/// Why no GPU can be used; empty where one can.
[[nodiscard]] inline std::string why_no_gpu() {
  try {
    (void)make_gpu(Kernels::cufft);
    return {};
  } catch (const InputError& error) {
    return error.what();
  }
}

/// Base of a fixture that needs a GPU.
template <class Test> class NeedsGpu : public Test {
protected:
  void SetUp() override {
    if (const auto reason = why_no_gpu(); !reason.empty()) GTEST_SKIP() << reason;
  }
};

/// fp32 in another order, other transforms and other sines: a few 1e-7 for one verb, more for a sum of many.
inline constexpr double equal_to_cpu = 1e-5;

/// |ours - theirs| / |theirs|, L2; what is zero in both is equal, NaN in either is not.
template <class T> double relative_l2(const std::vector<T>& ours, const std::vector<T>& theirs) {
  EXPECT_EQ(ours.size(), theirs.size());
  double difference = 0;
  double norm = 0;
  for (std::size_t i = 0; i < theirs.size(); ++i) {
    difference += std::norm(std::complex<double>(ours[i]) - std::complex<double>(theirs[i]));
    norm += std::norm(std::complex<double>(theirs[i]));
  }
  return difference == 0 ? 0 : std::sqrt(difference / norm);
}

template <class T> std::vector<T> download(Backend& backend, const Buffer<T>& buffer) {
  std::vector<T> host(buffer.size());
  backend.synchronize();
  buffer.download(host);
  return host;
}

template <class T> Buffer<T> upload(Backend& backend, const std::vector<T>& host, MemoryLabel label) {
  Buffer<T> buffer(backend, host.size(), label);
  buffer.upload(host);
  return buffer;
}

/// Uniform between `low` and `high`; the same seed gives the same numbers.
inline std::vector<float> random_floats(std::size_t n, float low, float high, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(low, high);
  std::vector<float> v(n);
  for (auto& x : v) x = uniform(random);
  return v;
}

inline std::vector<Complex> random_waves(std::size_t n, unsigned seed) {
  const auto parts = random_floats(2 * n, -1, 1, seed);
  std::vector<Complex> v(n);
  for (std::size_t i = 0; i < n; ++i) v[i] = {parts[2 * i], parts[2 * i + 1]};
  return v;
}

} // namespace ptychoscale::test
