#pragma once

#include "line_transform.hpp"
#include "slice_element.hpp"

// Verbs along y: a block works on some neighbouring columns, so that what it reads and writes of every row
// fills whole sectors of memory.
namespace ptychoscale::cuda {

/// The columns that one block works on.
template <int N> struct ColumnBlock {
  /// 64 bytes of every row, or 32 where eight columns would be one block of a multiprocessor.
  static constexpr int lines = LinePlan<N>::threads > 32 ? 4 : 8;
  static constexpr int threads = lines * LinePlan<N>::threads;
  static constexpr int memory = lines * padded(N); ///< shared, in complex64
};

/// A thread's part of a column.
template <int N> struct ColumnPart {
  int t; ///< number of the thread in its column
  int x; ///< its own column, perhaps beside the wave
  int nx;
  Complex64* wave;
  SharedLine<ColumnBlock<N>::lines> line;
  PTYCHOSCALE_HD ColumnPart(Place place, int columns, Complex64* waves, Complex64* shared)
      : t(place.thread / ColumnBlock<N>::lines),
        x(place.group * ColumnBlock<N>::lines + place.thread % ColumnBlock<N>::lines), nx(columns),
        wave(waves + static_cast<std::size_t>(place.wave) * static_cast<std::size_t>(columns) * N),
        line{shared + place.thread % ColumnBlock<N>::lines} {}
  [[nodiscard]] PTYCHOSCALE_HD bool there() const { return x < nx; }
  [[nodiscard]] PTYCHOSCALE_HD std::size_t at(int y) const {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(nx) + static_cast<std::size_t>(x);
  }
};

/// Backend::transform_columns, as TransformRows.
struct TransformColumns {
  Complex64* waves;
  int nx;
  float scale;
  bool inverse;
  Twiddles twiddles;
};
template <int N, class Barrier>
PTYCHOSCALE_HD void transform_columns(const TransformColumns& job, Place place, Complex64* shared,
                                      const Barrier& barrier) {
  const ColumnPart<N> part(place, job.nx, job.waves, shared);
  LineValues<N> v;
  for_values<N, outer_radix<N>>(part.t, [&](int slot, int y) {
    const Complex64 w = part.there() ? part.wave[part.at(y)] : Complex64{0, 0};
    v[slot] = job.inverse ? swapped(w) : w;
  });
  transform<N, Order::ascending, Direction::forward>(v, part.t, part.line, job.twiddles.ascending, barrier);
  if (!part.there()) return;
  for_values<N, inner_radix<N>>(part.t, [&](int slot, int y) {
    const Complex64 w = scaled(v[slot], job.scale);
    part.wave[part.at(y)] = job.inverse ? swapped(w) : w;
  });
}

/// Backend::propagate; the propagator's scale is 1 / N.
struct PropagateColumns {
  Complex64* waves;
  int nx;
  PropagatorOn propagator;
  Twiddles twiddles;
};
template <int N, class Barrier>
PTYCHOSCALE_HD void propagate_columns(const PropagateColumns& job, Place place, Complex64* shared,
                                      const Barrier& barrier) {
  const ColumnPart<N> part(place, job.nx, job.waves, shared);
  LineValues<N> v;
  for_values<N, outer_radix<N>>(part.t, [&](int slot, int y) {
    v[slot] = part.there() ? part.wave[part.at(y)] : Complex64{0, 0};
  });
  transform<N, Order::ascending, Direction::forward>(v, part.t, part.line, job.twiddles.ascending, barrier);
  if (part.there()) {
    const Complex64 px = job.propagator.x[part.x];
    for_values<N, inner_radix<N>>(part.t, [&](int slot, int ky) {
      v[slot] = times(v[slot], propagation_factor(job.propagator, px, {ky, part.x}, part.at(ky)));
    });
  }
  transform<N, Order::descending, Direction::inverse>(v, part.t, part.line, job.twiddles.descending, barrier);
  if (!part.there()) return;
  for_values<N, outer_radix<N>>(part.t, [&](int slot, int y) { part.wave[part.at(y)] = v[slot]; });
}

} // namespace ptychoscale::cuda
