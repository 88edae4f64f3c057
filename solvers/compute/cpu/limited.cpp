#include "limited.hpp"

#include "phase.hpp"
#include "row_of.hpp"
#include "row_on_slice.hpp"

#include <algorithm>

namespace ptychoscale::cpu {

void transmission(Team& team, Waves t, Slice potential, std::span<const Offset> origins, float sigma) {
  const int nx = t.extent.x;
  for_rows(team, t, [&](int wave, int y, Scratch& s) {
    Complex* row = row_of(t, wave, y);
    std::fill_n(row, nx, Complex{1});
    const auto seg = segment_on(potential.extent, origins[static_cast<std::size_t>(wave)], y, nx);
    if (seg.n == 0) return;
    phase_factors(potential, seg, sigma, 1, s);
    multiply(row + seg.first, seg, s);
  });
}

void multiply(Team& team, Waves waves, Waves factor, Sense sense) {
  for_rows(team, waves, [&](int wave, int y, Scratch&) {
    Complex* w = row_of(waves, wave, y);
    const Complex* f = row_of(factor, wave, y);
    for (int x = 0; x < waves.extent.x; ++x) w[x] *= sense == Sense::direct ? f[x] : std::conj(f[x]);
  });
}

void phase_gradient(Team& team, Waves dt, const SliceUpdate& update, std::span<const Offset> origins,
                    float sigma) {
  const Extent e = update.potential.extent;
  for (int wave = 0; wave < dt.count; ++wave) // one after the other, as in transmit_adjoint
    for_rows(team, dt.one(wave), [&](int, int y, Scratch& s) {
      const auto seg = segment_on(e, origins[static_cast<std::size_t>(wave)], y, dt.extent.x);
      if (seg.n == 0) return;
      std::fill_n(s.rows.begin(), seg.n, Complex{1});
      phase_factors(update.potential, seg, sigma, 1, s);
      multiply(s.rows.data(), seg, s);
      phase::cross(s.gradient.data(), row_of(dt, wave, y) + seg.first, s.rows.data(), -2 * sigma, seg.n);
      deliver(update, seg, s.gradient.data());
    });
}

} // namespace ptychoscale::cpu
