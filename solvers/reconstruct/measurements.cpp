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
      stream_(stream), patterns_per_half_(largest(batches_)),
      amplitudes_(backend, pattern_bytes() * (stream_ ? 2 * patterns_per_half_ : positions_.size()),
                  MemoryLabel::measurements),
      sums_(positions_.size()) {
  if (!backend.shares_memory_with_host() || type == MeasurementType::float16)
    staging_ = {backend, pattern_, MemoryLabel::other};
  if (stream_) return;
  load({0, static_cast<int>(positions_.size())}, 0);
  staging_ = {};
}

Measurements::~Measurements() {
  if (loading_.valid()) loading_.wait();
}

Amplitudes Measurements::at(int k, PhaseTimer& timer) {
  auto pattern = static_cast<std::size_t>(k);
  if (stream_) {
    const auto batch = std::ranges::upper_bound(batches_, k, {}, &Range::last);
    fetch(static_cast<std::size_t>(batch - batches_.begin()), timer);
    pattern = present_half_ * patterns_per_half_ + static_cast<std::size_t>(k - batch->first);
  }
  const std::byte* first = amplitudes_.data() + pattern * pattern_bytes();
  if (type_ == MeasurementType::float16) return reinterpret_cast<const std::uint16_t*>(first);
  return reinterpret_cast<const float*>(first);
}

void Measurements::fetch(std::size_t batch, PhaseTimer& timer) {
  if (batch == present_batch_) return;
  {
    const PhaseScope waiting(timer, Phase::wait);
    if (batch != ahead_batch_) load_ahead(batch);
    ahead_batch_.reset(); // should it have failed
    loading_.get();
  }
  present_batch_ = batch;
  present_half_ = 1 - present_half_;
  if (batches_.size() > 1) load_ahead((batch + 1) % batches_.size());
}

void Measurements::load_ahead(std::size_t batch) {
  if (loading_.valid()) loading_.wait();
  // A dry run has nothing to overlap the loading with.
  const auto policy = backend_.computes() ? std::launch::async : std::launch::deferred;
  loading_ = std::async(
      policy, [this, batch, half = 1 - present_half_] { load(batches_[batch], half * patterns_per_half_); });
  ahead_batch_ = batch;
}

void Measurements::load(Range positions, std::size_t in_front) {
  std::byte* to = amplitudes_.data() + in_front * pattern_bytes();
  for (int k = positions.first; k < positions.last; ++k, to += pattern_bytes())
    load_pattern(static_cast<std::size_t>(k), to);
}

void Measurements::read(std::size_t k, std::span<float> amplitudes) {
  acquisition_.read_amplitudes(positions_[k], amplitudes);
  if (backend_.computes() && !sums_[k]) // a dry run reads nothing
    sums_[k] = sum_of_pattern(amplitudes, acquisition_.header.detector);
}

void Measurements::load_pattern(std::size_t k, std::byte* to) {
  if (staging_.size() == 0) return read(k, {reinterpret_cast<float*>(to), pattern_});
  const auto pattern = staging_.host();
  read(k, pattern);
  if (type_ == MeasurementType::float16 && backend_.computes()) { // a dry run reads nothing
    check_fits_half(pattern, positions_[k]);
    narrow_in_place(pattern);
  }
  backend_.load(to, pattern.data(), pattern_bytes());
}

std::size_t Measurements::pattern_bytes() const {
  return pattern_ * (type_ == MeasurementType::float16 ? sizeof(std::uint16_t) : sizeof(float));
}

} // namespace ptychoscale
