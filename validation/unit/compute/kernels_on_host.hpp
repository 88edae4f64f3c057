#pragma once

#include "../../cuda_on_host/include/block_on_host.hpp"
#include "cuda/fused_columns.hpp"
#include "cuda/fused_lengths.hpp"
#include "cuda/fused_rows.hpp"
#include "lines/twiddles.hpp"
#include "ptychoscale/compute/backend.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

// The fused kernels' functions, run on the host as a GPU would run them: block by block, thread by thread.
namespace ptychoscale {

/// Twiddle tables of one length, as the device gets them.
struct Tables {
  std::vector<Complex> ascending;
  std::vector<Complex> descending;
  explicit Tables(int n)
      : ascending(lines::twiddle_table(cuda::radices_of(n), cuda::Order::ascending)),
        descending(lines::twiddle_table(cuda::radices_of(n), cuda::Order::descending)) {}
  [[nodiscard]] cuda::Twiddles view() const {
    return {cuda::raw(ascending.data()), cuda::raw(descending.data())};
  }
};

/// kernel(place, shared, barrier) for every thread of a grid of `groups` x `waves` blocks. Shared memory
/// begins as NaN: what is read before it was written shows.
template <class Kernel>
void launch_on_host(int groups, int waves, int threads, int memory, BlockOnHost::Order order,
                    const Kernel& kernel) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  BlockOnHost block(threads, order);
  std::vector<cuda::Complex64> shared(static_cast<std::size_t>(memory));
  const int all = groups * waves;
  for (int i = 0; i < all; ++i) {
    const int b = order == BlockOnHost::Order::ascending ? i : all - 1 - i;
    std::fill(shared.begin(), shared.end(), cuda::Complex64{nan, nan});
    block.run([&](int thread, const auto& barrier) {
      kernel(cuda::Place{b % groups, b / groups, thread}, shared.data(), barrier);
    });
  }
}

/// Runs `work(order, output)` in both orders of threads and blocks, demands the same bits, and gives them.
template <class T, class Work>
std::vector<T> same_in_both_orders(const std::vector<T>& input, const Work& work) {
  auto ascending = input;
  auto descending = input;
  work(BlockOnHost::Order::ascending, ascending);
  work(BlockOnHost::Order::descending, descending);
  EXPECT_TRUE(ascending == descending) << "the result depends on the order of threads";
  return ascending;
}

inline std::vector<Complex> random_waves(std::size_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<Complex> waves(n);
  for (auto& w : waves) w = {normal(random), normal(random)};
  return waves;
}

inline std::vector<float> random_volts(std::size_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-2000, 2000);
  std::vector<float> volts(n);
  for (auto& v : volts) v = uniform(random);
  return volts;
}

/// |found - expected| / |expected|, Euclidean norms over all elements.
template <class T> double relative_error(const std::vector<T>& found, const std::vector<T>& expected) {
  double error = 0;
  double power = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    error += std::norm(std::complex<double>(found[i]) - std::complex<double>(expected[i]));
    power += std::norm(std::complex<double>(expected[i]));
  }
  return std::sqrt(error / power);
}

/// Bound on the relative difference of `transforms` fp32 transforms of length n, one after the other, from
/// the same made by other code in fp32: at each of the log2(n) levels of each, on both sides, values err by
/// about eps = 2^-24 of their root mean square, independently, so that squares add; twice that.
inline double rounding_bound(int n, int transforms) {
  return 2 * 0x1p-24 * std::sqrt(2 * transforms * std::log2(n));
}

/// Memory of the CPU backend with given content.
template <class T> Buffer<T> on_cpu(Backend& cpu, const std::vector<T>& host) {
  Buffer<T> buffer(cpu, host.size(), MemoryLabel::waves);
  buffer.upload(host);
  return buffer;
}
template <class T> std::vector<T> from_cpu(const Buffer<T>& buffer) {
  std::vector<T> host(buffer.size());
  buffer.download(host);
  return host;
}
inline std::unique_ptr<Backend> cpu_backend() {
  return make_backend({.kind = "cpu", .threads = 1, .planning = Planning::estimate});
}

/// Lengths as types, for typed tests.
template <class> struct TypedLengths;
template <int... N> struct TypedLengths<std::integer_sequence<int, N...>> {
  using Types = ::testing::Types<cuda::Constant<N>...>;
};
struct LengthNames {
  template <class Length> static std::string GetName(int) { return std::to_string(Length::value); }
};

} // namespace ptychoscale
