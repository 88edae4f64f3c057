#pragma once

#include "butterfly.hpp"

#include <stdexcept>
#include <utility>

namespace ptychoscale::cuda {

/// Line lengths with kernels of their own: powers of two, those with one factor 3, and 168, the side of a
/// tile of the paper's small dataset on many ranks.
using FusedLengths = std::integer_sequence<int, 64, 96, 128, 168, 192, 256, 384, 512, 768, 1024, 1536, 2048>;

template <int... N> constexpr bool has_length(std::integer_sequence<int, N...>, int n) {
  return ((n == N) || ...);
}
constexpr bool has_fused_kernels(int length) { return has_length(FusedLengths{}, length); }

/// body(Constant<length>), for a length with kernels of its own.
template <class Body, int... N>
void with_length(std::integer_sequence<int, N...>, int length, const Body& body) {
  if (!((length == N && (body(Constant<N>{}), true)) || ...))
    throw std::logic_error("a line length that has no fused kernels");
}

} // namespace ptychoscale::cuda
