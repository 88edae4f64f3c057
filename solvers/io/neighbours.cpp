#include "ptychoscale/io/neighbours.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <ranges>

namespace ptychoscale {
namespace {

/// The nearest to `from` of `others`, whose distances along y ascend; what is further away along y alone than
/// the nearest so far is not looked at.
template <class Others>
double nearest_of(const Position& from, std::span<const Position> positions, const Others& others,
                  double nearest) {
  for (const std::size_t other : others) {
    const Position& p = positions[other];
    if (std::abs(p.y - from.y) >= nearest) break;
    nearest = std::min(nearest, std::hypot(p.y - from.y, p.x - from.x));
  }
  return nearest;
}

} // namespace

std::vector<double> nearest_distances_A(std::span<const Position> positions) {
  std::vector<std::size_t> by_y(positions.size());
  std::iota(by_y.begin(), by_y.end(), std::size_t{0});
  std::ranges::stable_sort(by_y, {}, [&](std::size_t i) { return positions[i].y; });
  const std::span<const std::size_t> all(by_y);
  std::vector<double> nearest(positions.size());
  for (std::size_t k = 0; k < all.size(); ++k) {
    const Position& from = positions[all[k]];
    const double above = nearest_of(from, positions, all.first(k) | std::views::reverse,
                                    std::numeric_limits<double>::infinity());
    nearest[all[k]] = nearest_of(from, positions, all.subspan(k + 1), above);
  }
  return nearest;
}

} // namespace ptychoscale
