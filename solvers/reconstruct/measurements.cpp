#include "measurements.hpp"

namespace ptychoscale {

Measurements::Measurements(Backend& backend, const Acquisition& acquisition, std::vector<int> positions,
                           bool stream)
    : backend_(backend), acquisition_(acquisition), positions_(std::move(positions)),
      pattern_(acquisition.header.detector.area()), stream_(stream),
      amplitudes_(backend, pattern_ * (stream ? 1 : positions_.size()), MemoryLabel::measurements),
      ahead_(pattern_) {
  if (stream_) return;
  for (std::size_t k = 0; k < positions_.size(); ++k) {
    acquisition_.read_amplitudes(positions_[k], ahead_.span());
    backend.to_device(amplitudes_.data() + k * pattern_, ahead_.span().data(), pattern_ * sizeof(float));
  }
  ahead_ = {};
}

Measurements::~Measurements() {
  if (reading_.valid()) reading_.wait();
}

const float* Measurements::at(int k, PhaseTimer& timer) {
  if (!stream_) return amplitudes_.data() + static_cast<std::size_t>(k) * pattern_;
  if (k == present_k_) return amplitudes_.data();
  {
    const PhaseScope waiting(timer, Phase::wait);
    if (ahead_k_ != k) read_ahead(k);
    reading_.get();
  }
  amplitudes_.upload(ahead_.span());
  present_k_ = k;
  read_ahead((k + 1) % static_cast<int>(positions_.size()));
  return amplitudes_.data();
}

void Measurements::read_ahead(int k) {
  if (reading_.valid()) reading_.wait();
  ahead_k_ = k;
  // A dry run has nothing to overlap the reading with.
  reading_ = std::async(backend_.computes() ? std::launch::async : std::launch::deferred, [this, k] {
    acquisition_.read_amplitudes(positions_[static_cast<std::size_t>(k)], ahead_.span());
  });
}

} // namespace ptychoscale
