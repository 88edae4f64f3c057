#include "rows.hpp"

#include "phase.hpp"
#include "row_groups.hpp"
#include "row_of.hpp"
#include "row_on_slice.hpp"

#include <algorithm>

namespace ptychoscale::cpu {
namespace {

/// body(rows, wave, first row, count, scratch) on blocks of the rows `range(wave)` of each wave, on all waves
/// at once.
template <class Range, class Body>
void for_blocks(Team& team, Waves waves, const Range& range, const Body& body) {
  for_row_groups(team, LineFft::row_block, waves, range, [&](int wave, int y, int count, Scratch& t) {
    body(row_of(waves, wave, y), wave, y, count, t);
  });
}

/// Only the rows on the slice: in vacuum the transforms on both sides of a transmission cancel.
template <class Body>
void for_blocks_on(Team& team, Extent slice, std::span<const Offset> origins, Waves waves, const Body& body) {
  const auto range = [&](int wave) {
    return rows_on(slice, origins[static_cast<std::size_t>(wave)], waves.extent);
  };
  for_blocks(team, waves, range, body);
}

void scale_outside(Complex* row, const Segment& seg, int nx, float scale) {
  phase::scale(row, scale, seg.first);
  phase::scale(row + seg.first + seg.n, scale, nx - seg.first - seg.n);
}

/// row <- conj(t) row, with the factors in `t`.
void back_through(Complex* row, const Segment& seg, int nx, float scale, const Scratch& t) {
  scale_outside(row, seg, nx, scale);
  phase::multiply_conjugate(row + seg.first, t.cosine.data(), t.sine.data(), seg.n);
}

/// transmit_adjoint of one wave.
void adjoint_of_one(Team& team, const LineFft& fft, Waves transmitted, Waves adjoint,
                    const SliceUpdate& update, std::span<const Offset> origins, float sigma, bool rewind) {
  const int nx = adjoint.extent.x;
  const float scale = 1.0F / static_cast<float>(nx);
  const float weight = -2 * sigma * scale * scale;
  const Extent e = update.potential.extent;
  for_blocks_on(team, e, origins, adjoint, [&](Complex* a_rows, int, int y, int count, Scratch& t) {
    Complex* w_rows = row_of(transmitted, 0, y);
    if (!rewind) w_rows = std::copy_n(w_rows, nx * count, t.rows.data()) - nx * count;
    fft.rows(a_rows, count, nx, Direction::inverse);
    fft.rows(w_rows, count, nx, Direction::inverse);
    for (int i = 0; i < count; ++i) {
      Complex* a = a_rows + i * nx;
      Complex* w = w_rows + i * nx;
      const auto seg = segment_on(e, origins.front(), y + i, nx);
      phase_factors(update.potential, seg, sigma, scale, t);
      phase::cross(t.gradient.data(), a + seg.first, w + seg.first, weight, seg.n);
      deliver(update, seg, t.gradient.data());
      back_through(a, seg, nx, scale, t);
      if (rewind) back_through(w, seg, nx, scale, t);
    }
    fft.rows(a_rows, count, nx, Direction::forward);
    if (rewind) fft.rows(w_rows, count, nx, Direction::forward);
  });
}

} // namespace

void transform_rows(Team& team, const LineFft& fft, Waves waves, Direction direction) {
  const int nx = waves.extent.x;
  const auto all = [&](int) { return Rows{0, waves.extent.y}; };
  for_blocks(team, waves, all, [&](Complex* rows, int, int, int count, Scratch&) {
    fft.rows(rows, count, nx, direction);
    if (direction == Direction::inverse) phase::scale(rows, 1.0F / static_cast<float>(nx), nx * count);
  });
}

void transmit(Team& team, const LineFft& fft, Waves waves, Slice potential, std::span<const Offset> origins,
              float sigma) {
  const int nx = waves.extent.x;
  const float scale = 1.0F / static_cast<float>(nx);
  const Extent e = potential.extent;
  for_blocks_on(team, e, origins, waves, [&](Complex* rows, int wave, int y, int count, Scratch& t) {
    fft.rows(rows, count, nx, Direction::inverse);
    for (int i = 0; i < count; ++i) {
      Complex* row = rows + i * nx;
      const auto seg = segment_on(e, origins[static_cast<std::size_t>(wave)], y + i, nx);
      phase_factors(potential, seg, sigma, scale, t);
      scale_outside(row, seg, nx, scale);
      multiply(row + seg.first, seg, t);
    }
    fft.rows(rows, count, nx, Direction::forward);
  });
}

void transmit_adjoint(Team& team, const LineFft& fft, Waves transmitted, Waves adjoint,
                      const SliceUpdate& update, std::span<const Offset> origins, float sigma, bool rewind) {
  // One after the other, so that gradients of overlapping waves add in a fixed order.
  for (int i = 0; i < adjoint.count; ++i)
    adjoint_of_one(team, fft, transmitted.one(i), adjoint.one(i), update,
                   origins.subspan(static_cast<std::size_t>(i), 1), sigma, rewind);
}

} // namespace ptychoscale::cpu
