#include "slice_blur.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace ptychoscale {
namespace {

constexpr double farthest = 3; ///< that a weight counts, in standard deviations: 1 % of the nearest one's

std::vector<double> weights_of(double width, int slices) {
  const double reach = std::min(std::ceil(farthest * width), static_cast<double>(slices - 1));
  std::vector<double> weights;
  for (int distance = 0; distance <= reach; ++distance)
    weights.push_back(std::exp(-0.5 * std::pow(distance / width, 2)));
  return weights;
}

} // namespace

SliceBlur::SliceBlur(Backend& backend, Volume volume, double width)
    : backend_(backend), volume_(volume), weights_(weights_of(width, volume.slices)),
      sum_(backend, volume.extent.area(), MemoryLabel::accumulation),
      kept_(backend, (weights_.size() - 1) * volume.extent.area(), MemoryLabel::accumulation) {}

void SliceBlur::copy(float* to, const float* from) {
  backend_.zero(to, sum_.bytes());
  backend_.axpy(to, 1, from, sum_.size());
}

/// A slice as it was when `now` is the one that is about to change.
const float* SliceBlur::before(int slice, int now) const {
  if (slice >= now) return volume_.slice(slice).data;
  return kept_.data() + static_cast<std::size_t>(slice) % (weights_.size() - 1) * sum_.size();
}

void SliceBlur::apply() {
  const int reach = static_cast<int>(weights_.size()) - 1;
  if (reach == 0) return;
  const auto weight = [&](int from, int to) {
    return weights_[static_cast<std::size_t>(std::abs(to - from))];
  };
  for (int s = 0; s < volume_.slices; ++s) {
    const int first = std::max(s - reach, 0), last = std::min(s + reach, volume_.slices - 1);
    double all = 0;
    for (int other = first; other <= last; ++other) all += weight(s, other);
    sum_.zero();
    for (int other = first; other <= last; ++other)
      backend_.axpy(sum_.data(), static_cast<float>(weight(s, other) / all), before(other, s), sum_.size());
    copy(kept_.data() + static_cast<std::size_t>(s % reach) * sum_.size(), volume_.slice(s).data);
    copy(volume_.slice(s).data, sum_.data());
  }
}

} // namespace ptychoscale
