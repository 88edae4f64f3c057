#include "ptychoscale/simulate/dose.hpp"

#include "counter_random.hpp"
#include "poisson.hpp"
#include "ptychoscale/base/error.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>

namespace ptychoscale {

void apply_dose(const DatasetHeader& header, int position, std::span<float> intensities) {
  if (intensities.size() != header.detector.area())
    throw RunError(fmt::format("position {}: the pattern has {} pixels, the detector {}", position,
                               intensities.size(), header.detector.area()));
  for (std::size_t pixel = 0; pixel < intensities.size(); ++pixel) {
    float& value = intensities[pixel];
    if (!(value >= 0) || !std::isfinite(value))
      throw RunError(fmt::format("position {}: the intensity of pixel {} is {}", position, pixel, value));
    const double expected = header.electrons_per_pattern * value;
    value = static_cast<float>(
        header.dose_e_per_A2 > 0
            ? poisson(expected, header.seed,
                      {static_cast<std::uint32_t>(pixel), static_cast<std::uint32_t>(position),
                       static_cast<std::uint32_t>(RandomStream::counting)})
            : expected);
  }
}

} // namespace ptychoscale
