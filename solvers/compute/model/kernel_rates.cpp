#include "ptychoscale/compute/kernel_rates.hpp"

#include <algorithm>
#include <cmath>

namespace ptychoscale {

std::string_view name(Verb verb) {
  static constexpr std::array<std::string_view, verb_count> names{"transform_rows",
                                                                  "transform_columns",
                                                                  "transmit",
                                                                  "propagate",
                                                                  "transmit_adjoint",
                                                                  "rewind",
                                                                  "shift_probe",
                                                                  "place",
                                                                  "amplitude_loss",
                                                                  "intensity",
                                                                  "transmission",
                                                                  "multiply",
                                                                  "phase_gradient",
                                                                  "axpy",
                                                                  "pack",
                                                                  "unpack",
                                                                  "scale"};
  return names[static_cast<std::size_t>(verb)];
}

double KernelRates::seconds(Verb verb, std::size_t elements) const {
  const auto& known = samples[static_cast<std::size_t>(verb)];
  if (known.empty() || elements == 0) return 0;
  const auto per_element = [](const Sample& s) { return s.seconds / static_cast<double>(s.elements); };
  const auto n = static_cast<double>(elements);
  const auto above = std::ranges::lower_bound(known, elements, {}, &Sample::elements);
  if (above == known.begin()) return n * per_element(known.front());
  if (above == known.end()) return n * per_element(known.back());
  const auto& below = *(above - 1);
  const double span = std::log(static_cast<double>(above->elements) / static_cast<double>(below.elements));
  const double part = std::log(n / static_cast<double>(below.elements)) / span;
  return n * std::lerp(per_element(below), per_element(*above), part);
}

} // namespace ptychoscale
