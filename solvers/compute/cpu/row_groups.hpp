#pragma once

#include "rows_on.hpp"
#include "team.hpp"

#include <algorithm>

namespace ptychoscale::cpu {

/// body(wave, first row, count, scratch) on the rows `range(wave)` of all waves at once, `together` of them
/// at a time or what is left.
template <class Range, class Body>
void for_row_groups(Team& team, int together, Waves waves, const Range& range, const Body& body) {
  const int most = (waves.extent.y + together - 1) / together;
#pragma omp parallel for collapse(2) num_threads(team.threads) schedule(static)
  for (int wave = 0; wave < waves.count; ++wave)
    for (int group = 0; group < most; ++group) {
      const Rows rows = range(wave);
      const int y = rows.first + group * together;
      if (y < rows.last) body(wave, y, std::min(together, rows.last - y), team.my_scratch());
    }
}

} // namespace ptychoscale::cpu
