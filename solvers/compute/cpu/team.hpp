#pragma once

#include "scratch.hpp"

#include <omp.h>
#include <vector>

namespace ptychoscale::cpu {

/// The threads that divide a verb's work among them, and what each works in.
struct Team {
  int threads;
  std::vector<Scratch> scratch; ///< [thread]

  [[nodiscard]] explicit Team(int n) : threads(n), scratch(static_cast<std::size_t>(n)) {}
  [[nodiscard]] Scratch& my_scratch() { return scratch[static_cast<std::size_t>(omp_get_thread_num())]; }
};

/// body(wave, y, scratch) on all rows of all waves at once: the fewer parallel regions, the less threads
/// wait.
template <class Body> void for_rows(Team& team, Waves waves, const Body& body) {
#pragma omp parallel for collapse(2) num_threads(team.threads) schedule(static)
  for (int wave = 0; wave < waves.count; ++wave)
    for (int y = 0; y < waves.extent.y; ++y) body(wave, y, team.my_scratch());
}

} // namespace ptychoscale::cpu
