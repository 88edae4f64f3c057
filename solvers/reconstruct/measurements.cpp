#include "measurements.hpp"

namespace ptychoscale {

Measurements::Measurements(Backend& backend, const DatasetReader& dataset, std::vector<int> positions,
                           bool stream)
    : dataset_(dataset), positions_(std::move(positions)), pattern_(dataset.header().detector.area()),
      stream_(stream),
      amplitudes_(backend, pattern_ * (stream ? 1 : positions_.size()), MemoryLabel::measurements),
      ahead_(pattern_) {
  if (stream_) return;
  for (std::size_t k = 0; k < positions_.size(); ++k) {
    dataset_.read_amplitudes(positions_[k], ahead_);
    backend.to_device(amplitudes_.data() + k * pattern_, ahead_.data(), pattern_ * sizeof(float));
  }
  ahead_ = {};
}

Measurements::~Measurements() {
  if (reading_.valid()) reading_.wait();
}

const float* Measurements::at(int k, PhaseTimer& timer) {
  if (!stream_) return amplitudes_.data() + static_cast<std::size_t>(k) * pattern_;
  {
    const PhaseScope waiting(timer, Phase::wait);
    if (ahead_k_ != k) read_ahead(k);
    reading_.get();
  }
  amplitudes_.upload(ahead_);
  read_ahead((k + 1) % static_cast<int>(positions_.size()));
  return amplitudes_.data();
}

void Measurements::read_ahead(int k) {
  if (reading_.valid()) reading_.wait();
  ahead_k_ = k;
  reading_ = std::async(std::launch::async, [this, k] {
    dataset_.read_amplitudes(positions_[static_cast<std::size_t>(k)], ahead_);
  });
}

} // namespace ptychoscale
