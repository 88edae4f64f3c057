#include "measurements.hpp"

#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/half.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace ptychoscale {
namespace {

std::size_t count(Range range) { return static_cast<std::size_t>(range.last - range.first); }

/// Patterns of the largest batch.
std::size_t largest(const std::vector<Range>& batches) {
  std::size_t most = 0;
  for (const auto batch : batches) most = std::max(most, count(batch));
  return most;
}

std::size_t bytes_per_amplitude(MeasurementType type) {
  return type == MeasurementType::float16 ? sizeof(std::uint16_t) : sizeof(float);
}

void check_fits_half(std::span<const float> amplitudes, int position) {
  constexpr float largest_amplitude = largest_half * half_amplitude_unit;
  if (const float most = *std::ranges::max_element(amplitudes); most > largest_amplitude)
    throw InputError(fmt::format(
        "measurement_type: float16 keeps amplitudes of a unit beam up to {:.4g}, position {} has {:.4g}; "
        "valid: float32, or a dataset whose electrons per pattern are right",
        largest_amplitude, position, most));
}

/// Turns amplitudes into float16 where they are, from the front: what is written is always read before.
void narrow_in_place(std::span<float> amplitudes) {
  auto* bytes = reinterpret_cast<std::byte*>(amplitudes.data());
  for (std::size_t i = 0; i < amplitudes.size(); ++i) {
    const std::uint16_t half = half_from_float(amplitudes[i] / half_amplitude_unit);
    std::memcpy(bytes + i * sizeof half, &half, sizeof half);
  }
}

} // namespace

Measurements::Measurements(Backend& backend, const Acquisition& acquisition, std::vector<int> positions,
                           std::vector<Range> batches, MeasurementType type, bool stream)
    : backend_(backend), acquisition_(acquisition), positions_(std::move(positions)),
      batches_(std::move(batches)), pattern_(acquisition.header.detector.area()), type_(type),
      stream_(stream),
      amplitudes_(backend,
                  bytes_per_amplitude(type) * pattern_ * (stream ? largest(batches_) : positions_.size()),
                  MemoryLabel::measurements),
      ahead_(pattern_ * (stream ? largest(batches_) : 1)) {
  if (stream_) return;
  for (int k = 0; k < static_cast<int>(positions_.size()); ++k) {
    read({k, k + 1});
    upload(static_cast<std::size_t>(k) * pattern_, pattern_);
  }
  ahead_ = {};
}

Measurements::~Measurements() {
  if (reading_.valid()) reading_.wait();
}

Amplitudes Measurements::at(int k, PhaseTimer& timer) {
  int first = 0;
  if (stream_) {
    const auto batch = std::ranges::upper_bound(batches_, k, {}, &Range::last);
    fetch(static_cast<std::size_t>(batch - batches_.begin()), timer);
    first = batch->first;
  }
  const auto offset = static_cast<std::size_t>(k - first) * pattern_;
  if (type_ == MeasurementType::float16)
    return reinterpret_cast<const std::uint16_t*>(amplitudes_.data()) + offset;
  return reinterpret_cast<const float*>(amplitudes_.data()) + offset;
}

void Measurements::fetch(std::size_t batch, PhaseTimer& timer) {
  if (batch == present_batch_) return;
  {
    const PhaseScope waiting(timer, Phase::wait);
    if (batch != ahead_batch_) read_ahead(batch);
    reading_.get();
  }
  upload(0, count(batches_[batch]) * pattern_);
  present_batch_ = batch;
  read_ahead((batch + 1) % batches_.size());
}

void Measurements::read_ahead(std::size_t batch) {
  if (reading_.valid()) reading_.wait();
  ahead_batch_ = batch;
  // A dry run has nothing to overlap the reading with.
  reading_ = std::async(backend_.computes() ? std::launch::async : std::launch::deferred,
                        [this, batch] { read(batches_[batch]); });
}

void Measurements::read(Range positions) {
  const bool narrows = type_ == MeasurementType::float16 && backend_.computes(); // a dry run reads nothing
  for (int k = positions.first; k < positions.last; ++k) {
    const int position = positions_[static_cast<std::size_t>(k)];
    const auto pattern =
        ahead_.span().subspan(static_cast<std::size_t>(k - positions.first) * pattern_, pattern_);
    acquisition_.read_amplitudes(position, pattern);
    if (narrows) check_fits_half(pattern, position);
  }
  if (narrows) narrow_in_place(ahead_.span().first(count(positions) * pattern_));
}

void Measurements::upload(std::size_t first_pixel, std::size_t pixels) {
  const auto bytes = bytes_per_amplitude(type_);
  backend_.to_device(amplitudes_.data() + first_pixel * bytes, ahead_.span().data(), pixels * bytes);
}

} // namespace ptychoscale
