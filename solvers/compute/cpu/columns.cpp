#include "columns.hpp"

#include "phase.hpp"
#include "row_of.hpp"

#include <algorithm>

namespace ptychoscale::cpu {
namespace {

void gather(Complex* lines, Waves waves, int wave, int x0, int n) {
  for (int y = 0; y < waves.extent.y; ++y, lines += LineFft::block) {
    const Complex* row = row_of(waves, wave, y) + x0;
    if (n == LineFft::block) {
      std::copy_n(row, LineFft::block, lines);
    } else {
      std::copy_n(row, n, lines);
      std::fill_n(lines + n, LineFft::block - n, Complex{});
    }
  }
}

void scatter(Waves waves, int wave, int x0, int n, const Complex* lines) {
  for (int y = 0; y < waves.extent.y; ++y, lines += LineFft::block) {
    Complex* row = row_of(waves, wave, y) + x0;
    if (n == LineFft::block)
      std::copy_n(lines, LineFft::block, row);
    else
      std::copy_n(lines, n, row);
  }
}

/// body(lines, x0, n) on columns [x0, x0 + n) gathered as [y][block], then scattered back.
template <class Body> void for_blocks(Team& team, Waves waves, const Body& body) {
  const int blocks = (waves.extent.x + LineFft::block - 1) / LineFft::block;
#pragma omp parallel for num_threads(team.threads) schedule(static)
  for (int job = 0; job < waves.count * blocks; ++job) {
    const int wave = job / blocks;
    const int x0 = job % blocks * LineFft::block;
    const int n = std::min(LineFft::block, waves.extent.x - x0);
    Complex* lines = team.my_scratch().columns.data();
    gather(lines, waves, wave, x0, n);
    body(lines, x0, n);
    scatter(waves, wave, x0, n, lines);
  }
}

/// The propagator's factor, times `scale`, on columns [x0, x0 + n).
void multiply_by(const Propagator& p, Complex* lines, Extent e, int x0, int n, float scale, Sense sense) {
  const float sign = sense == Sense::direct ? 1.0F : -1.0F;
  float xr[LineFft::block] = {};
  float xi[LineFft::block] = {};
  for (int x = 0; x < n; ++x) {
    xr[x] = scale * p.x[x0 + x].real();
    xi[x] = scale * sign * p.x[x0 + x].imag();
  }
  for (int y = 0; y < e.y; ++y, lines += LineFft::block) {
    const float yr = p.y[y].real();
    const float yi = sign * p.y[y].imag();
    float c[LineFft::block];
    float s[LineFft::block];
#pragma omp simd
    for (int x = 0; x < LineFft::block; ++x) {
      c[x] = yr * xr[x] - yi * xi[x];
      s[x] = yr * xi[x] + yi * xr[x];
    }
    if (p.mask != nullptr) {
      const float* mask = row_of(p.mask, e, y) + x0;
      for (int x = 0; x < n; ++x) {
        c[x] *= mask[x];
        s[x] *= mask[x];
      }
    }
    phase::multiply(lines, c, s, LineFft::block);
  }
}

} // namespace

void transform_columns(Team& team, const LineFft& fft, Waves waves, Direction direction) {
  const Extent e = waves.extent;
  for_blocks(team, waves, [&](Complex* lines, int, int) {
    fft.columns(lines, e.y, direction);
    if (direction == Direction::inverse)
      phase::scale(lines, 1.0F / static_cast<float>(e.y), e.y * LineFft::block);
  });
}

void propagate(Team& team, const LineFft& fft, Waves waves, const Propagator& propagator, Sense sense) {
  const Extent e = waves.extent;
  const float scale = 1.0F / static_cast<float>(e.y);
  for_blocks(team, waves, [&](Complex* lines, int x0, int n) {
    fft.columns(lines, e.y, Direction::forward);
    multiply_by(propagator, lines, e, x0, n, scale, sense);
    fft.columns(lines, e.y, Direction::inverse);
  });
}

} // namespace ptychoscale::cpu
