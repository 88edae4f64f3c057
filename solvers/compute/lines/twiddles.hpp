#pragma once

#include "ptychoscale/compute/backend.hpp"
#include "radices.hpp"

#include <cmath>
#include <complex>
#include <cstddef>
#include <numbers>
#include <vector>

namespace ptychoscale::lines {

/// Factors before the butterflies of every pass but the first, [n]: exp(-2 pi i r k / (s R)) at s r + k, for
/// value r < R of a butterfly with k < s, where R is the pass's radix and s its stride. The passes fill the
/// table one behind the other, and neighbouring threads read neighbouring entries.
[[nodiscard]] inline std::vector<Complex> twiddle_table(const Radices& radices, Order order) {
  std::vector<Complex> table(static_cast<std::size_t>(stride_of(radices, order, radices.count)), Complex{1});
  for (int pass = 1; pass < radices.count; ++pass) {
    const int radix = radix_of(radices, order, pass);
    const int stride = stride_of(radices, order, pass);
    for (int r = 1; r < radix; ++r)
      for (int k = 0; k < stride; ++k)
        table[static_cast<std::size_t>(stride * r + k)] = Complex(
            std::polar(1.0, -2 * std::numbers::pi * static_cast<double>(r) * k / (double(stride) * radix)));
  }
  return table;
}

} // namespace ptychoscale::lines
