#include "ptychoscale/geometry/tiling.hpp"

#include <cstdint>

namespace ptychoscale {

Range round_part(int count, int round, int rounds) {
  const auto cut = [&](int k) { return static_cast<int>(std::int64_t{count} * k / rounds); };
  return {cut(round), cut(round + 1)};
}

} // namespace ptychoscale
