#include "ptychoscale/reconstruct/reconstruct.hpp"

#include <algorithm>
#include <cmath>
#include <complex>

namespace ptychoscale {

Acquisition acquisition_of(const DatasetReader& dataset) {
  return {dataset.header(),
          [&dataset](int position, std::span<float> amplitudes) {
            dataset.read_amplitudes(position, amplitudes);
          },
          dataset.name(), [&dataset](int position) { return dataset.hash_as_read(position); },
          [&dataset](const std::map<int, std::uint64_t>& hashes) {
            return dataset.complaint_of_content(hashes);
          }};
}

Acquisition acquisition_without_data(const DatasetHeader& header) {
  return {header, [&header](int, std::span<float> amplitudes) {
            std::ranges::fill(amplitudes, 0.0F);
            for (std::size_t i = 0; i < header.probe.size(); ++i) { // of all modes
              float& amplitude = amplitudes[i % amplitudes.size()];
              amplitude = std::hypot(amplitude, 0.9F * std::abs(header.probe[i]));
            }
          }};
}

} // namespace ptychoscale
