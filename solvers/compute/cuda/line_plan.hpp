#pragma once

#include "../lines/radices.hpp"

namespace ptychoscale::cuda {

using lines::Order;
using lines::Radices;
using lines::radix_of;
using lines::stride_of;

/// How a line is transformed: one pass per radix, with an exchange through shared memory between passes.
inline constexpr lines::Choice choice{.largest = 16, .without = {11, 13}, .passes = 4};

/// Butterflies of a pass that each of `threads` threads makes, some of them perhaps one less.
PTYCHOSCALE_HD constexpr int rounds(int n, int radix, int threads) {
  return (n / radix + threads - 1) / threads;
}

/// Values that a thread holds in the pass that asks for most.
constexpr int values_per_thread(int n, const Radices& r, int threads) {
  int most = 0;
  for (int p = 0; p < r.count; ++p) {
    const int values = rounds(n, r.radix[p], threads) * r.radix[p];
    if (values > most) most = values;
  }
  return most;
}

/// The number of threads, one per butterfly of some pass, that leaves the fewest values idle.
constexpr int threads_per_line(int n, const Radices& r) {
  int best = 0;
  for (int p = 0; p < r.count; ++p) {
    const int threads = n / r.radix[p];
    if (best == 0 || threads * values_per_thread(n, r, threads) < best * values_per_thread(n, r, best))
      best = threads;
  }
  return best;
}

/// Fewest passes; of these fewest values over all threads; of these the larger first radix.
constexpr bool better(int n, const Radices& a, const Radices& b) {
  if (a.count != b.count) return a.count < b.count;
  const int threads_a = threads_per_line(n, a);
  const int threads_b = threads_per_line(n, b);
  const int all_a = threads_a * values_per_thread(n, a, threads_a);
  const int all_b = threads_b * values_per_thread(n, b, threads_b);
  return all_a != all_b ? all_a < all_b : a.radix[0] > b.radix[0];
}

/// The radices of a 7-smooth length, ascending.
constexpr Radices radices_of(int n) {
  return lines::best_radices(choice, n, [n](const Radices& a, const Radices& b) { return better(n, a, b); });
}

/// The plan of length N, for kernels.
template <int N> struct LinePlan {
  static constexpr Radices radices = radices_of(N);
  static_assert(radices.count > 1, "a length of at least two radices up to 16, of factors 2, 3, 5 and 7");
  static constexpr int passes = radices.count;
  static constexpr int threads = threads_per_line(N, radices);
  static constexpr int values = values_per_thread(N, radices, threads);
};

} // namespace ptychoscale::cuda
