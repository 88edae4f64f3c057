#include "repeats.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace ptychoscale {
namespace {

/// Largest k for which the k-th smallest and k-th largest of n enclose the median with 95 %; 0 if none does.
std::size_t enclosing_rank(std::size_t n) {
  double probability = std::pow(0.5, static_cast<double>(n)); // of 0 values below the median
  double tail = 0;
  std::size_t k = 0;
  while (k < n / 2) {
    tail += probability;
    if (2 * tail > 0.05) break;
    probability *= static_cast<double>(n - k) / static_cast<double>(k + 1);
    ++k;
  }
  return k;
}

} // namespace

RepeatSummary summarise_repeats(std::span<const double> values) {
  const auto n = values.size();
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return values[a] < values[b]; });
  RepeatSummary summary;
  summary.middle = order[(n - 1) / 2];
  summary.median = (values[order[(n - 1) / 2]] + values[order[n / 2]]) / 2;
  if (const auto k = enclosing_rank(n); k > 0)
    summary.interval = {values[order[k - 1]], values[order[n - k]]};
  return summary;
}

} // namespace ptychoscale
