#include "momentum.hpp"

#include <cmath>

namespace ptychoscale {
namespace {

double next(double t) { return (1 + std::sqrt(1 + 4 * t * t)) / 2; }

} // namespace

void Momentum::finished(std::span<const double> cost) {
  const auto n = cost.size();
  t_ = n > 1 && cost[n - 1] > cost[n - 2] ? 1 : next(t_);
}

double Momentum::factor() const { return (t_ - 1) / next(t_); }

} // namespace ptychoscale
