#pragma once

#include "ptychoscale/compute/backend.hpp"

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ptychoscale {

/// The verbs of Backend that take time; `rewind` is transmit_adjoint when it also runs the wave backwards.
enum class Verb {
  transform_rows,
  transform_columns,
  transmit,
  propagate,
  transmit_adjoint,
  rewind,
  shift_probe,
  place,
  amplitude_loss,
  intensity,
  transmission,
  multiply,
  phase_gradient,
  axpy,
  pack,
  unpack,
  scale
};
inline constexpr std::size_t verb_count = 17;
[[nodiscard]] std::string_view name(Verb verb);

/// How long each verb takes on one device, by the number of elements (wave pixels, or voxels) it is given.
struct KernelRates {
  struct Sample {
    std::size_t elements = 0;
    double seconds = 0;
  };
  std::string device;                                  ///< description() of the backend that was measured
  std::array<std::vector<Sample>, verb_count> samples; ///< by verb; ascending in elements

  /// Between samples the time per element is interpolated over the logarithm of the size, outside it is the
  /// nearest sample's; 0 for a verb without samples.
  [[nodiscard]] double seconds(Verb verb, std::size_t elements) const;
};

/// Times every verb on square grids of these side lengths, ascending: the fastest of seven calls or more,
/// over 30 ms or more, since what else ran on the machine is not the kernel's.
[[nodiscard]] KernelRates measure_kernel_rates(Backend& backend, std::span<const int> lengths);

} // namespace ptychoscale
