#pragma once

#include "line_transform.hpp"
#include "slice_element.hpp"

// Verbs along x: a block reads some rows, transforms them, works on them, transforms them back and writes
// them. Rows off the slice stay as they are: in vacuum the two transforms cancel.
namespace ptychoscale::cuda {

/// The rows that one block works on.
template <int N> struct RowBlock {
  static constexpr int line_threads = LinePlan<N>::threads;
  static constexpr int lines = line_threads < 128 ? 128 / line_threads : 1;
  static constexpr int threads = lines * line_threads;
  static constexpr int memory = lines * padded(N); ///< shared, in complex64
};

/// Whether any of the rows [y0, y1) of a wave of nx columns lies on the slice.
PTYCHOSCALE_HD bool on_slice(int y0, int y1, int nx, Offset origin, Extent slice) {
  return y1 + origin.y > 0 && y0 + origin.y < slice.y && nx + origin.x > 0 && origin.x < slice.x;
}

/// A thread's part of a row: which row, of which wave, and where in it.
template <int N> struct RowPart {
  int t;  ///< number of the thread in its row
  int y0; ///< first row of the block
  int y;  ///< its own row, perhaps below the wave
  std::size_t begin;
  SharedLine<1> line;
  PTYCHOSCALE_HD RowPart(Place place, int ny, Complex64* shared)
      : t(place.thread % RowBlock<N>::line_threads), y0(place.group * RowBlock<N>::lines),
        y(y0 + place.thread / RowBlock<N>::line_threads),
        begin((static_cast<std::size_t>(place.wave) * static_cast<std::size_t>(ny) +
               static_cast<std::size_t>(y)) *
              N),
        line{shared + place.thread / RowBlock<N>::line_threads * padded(N)} {}
};

/// v <- the row, arranged for radix R; zero when it is not `there`.
template <int N, int R>
PTYCHOSCALE_HD void load_row(LineValues<N>& v, const Complex64* row, int t, bool there) {
  for_values<N, R>(t, [&](int slot, int i) { v[slot] = there ? row[i] : Complex64{0, 0}; });
}
template <int N, int R>
PTYCHOSCALE_HD void store_row(const LineValues<N>& v, Complex64* row, int t, bool there) {
  if (there) for_values<N, R>(t, [&](int slot, int i) { row[i] = v[slot]; });
}

/// Backend::transform_rows. The inverse is the forward transform between two swaps of real and imaginary
/// part.
struct TransformRows {
  Complex64* waves;
  int ny;
  float scale;
  bool inverse;
  Twiddles twiddles;
};
template <int N, class Barrier>
PTYCHOSCALE_HD void transform_rows(const TransformRows& job, Place place, Complex64* shared,
                                   const Barrier& barrier) {
  const RowPart<N> part(place, job.ny, shared);
  const bool there = part.y < job.ny;
  LineValues<N> v;
  for_values<N, outer_radix<N>>(part.t, [&](int slot, int i) {
    const Complex64 w = there ? job.waves[part.begin + i] : Complex64{0, 0};
    v[slot] = job.inverse ? swapped(w) : w;
  });
  transform<N, Order::ascending, Direction::forward>(v, part.t, part.line, job.twiddles.ascending, barrier);
  if (!there) return;
  for_values<N, inner_radix<N>>(part.t, [&](int slot, int i) {
    const Complex64 w = scaled(v[slot], job.scale);
    job.waves[part.begin + i] = job.inverse ? swapped(w) : w;
  });
}

/// Backend::transmit; `scale` is 1 / N.
struct TransmitRows {
  Complex64* waves;
  int ny;
  SliceOn slice;
  float scale;
  Twiddles twiddles;
  const Offset* origins; ///< of the waves on the slice
};
template <int N, class Barrier>
PTYCHOSCALE_HD void transmit_rows(const TransmitRows& job, Place place, Complex64* shared,
                                  const Barrier& barrier) {
  const RowPart<N> part(place, job.ny, shared);
  const Offset origin = job.origins[place.wave];
  if (!on_slice(part.y0, part.y0 + RowBlock<N>::lines, N, origin, job.slice.extent)) return;
  const bool there = part.y < job.ny && on_slice(part.y, part.y + 1, N, origin, job.slice.extent);
  LineValues<N> v;
  load_row<N, outer_radix<N>>(v, job.waves + part.begin, part.t, there);
  transform<N, Order::ascending, Direction::inverse>(v, part.t, part.line, job.twiddles.ascending, barrier);
  for_values<N, inner_radix<N>>(part.t, [&](int slot, int x) {
    v[slot] = times(v[slot], transmission_at({part.y, x}, job.slice, origin, job.scale));
  });
  transform<N, Order::descending, Direction::forward>(v, part.t, part.line, job.twiddles.descending, barrier);
  store_row<N, outer_radix<N>>(v, job.waves + part.begin, part.t, there);
}

/// Backend::transmit_adjoint of one wave; `scale` is 1 / N. Every pixel of the slice is written by one
/// thread.
struct TransmitAdjointRows {
  Complex64* transmitted;
  Complex64* adjoint;
  int ny;
  SliceOn slice;
  UpdateOn update;
  const Offset* origin; ///< of the wave on the slice
  float scale;
  bool rewind;
  Twiddles twiddles;
};

/// Shared memory behind the lines, where a thread leaves its values of the transmitted wave while it works on
/// the adjoint: both at once would fill the registers of a multiprocessor with a few warps.
template <int N> struct Aside {
  static constexpr int memory = LinePlan<N>::values * RowBlock<N>::threads; ///< in complex64
  Complex64* first;
  PTYCHOSCALE_HD Aside(Place place, Complex64* shared) : first(shared + RowBlock<N>::memory + place.thread) {}
  PTYCHOSCALE_HD Complex64& operator[](int slot) const { return first[slot * RowBlock<N>::threads]; }
};

template <int N, class Barrier>
PTYCHOSCALE_HD void transmit_adjoint_rows(const TransmitAdjointRows& job, Place place, Complex64* shared,
                                          const Barrier& barrier) {
  const RowPart<N> part(place, job.ny, shared);
  const Offset origin = *job.origin;
  if (!on_slice(part.y0, part.y0 + RowBlock<N>::lines, N, origin, job.slice.extent)) return;
  const bool there = part.y < job.ny && on_slice(part.y, part.y + 1, N, origin, job.slice.extent);
  const float weight = -2 * job.slice.sigma * job.scale * job.scale;
  const Aside<N> aside(place, shared);
  LineValues<N> v;
  load_row<N, outer_radix<N>>(v, job.transmitted + part.begin, part.t, there);
  transform<N, Order::ascending, Direction::inverse>(v, part.t, part.line, job.twiddles.ascending, barrier);
  for_values<N, inner_radix<N>>(part.t, [&](int slot, int) { aside[slot] = v[slot]; });
  load_row<N, outer_radix<N>>(v, job.adjoint + part.begin, part.t, there);
  transform<N, Order::ascending, Direction::inverse>(v, part.t, part.line, job.twiddles.ascending, barrier);
  for_values<N, inner_radix<N>>(part.t, [&](int slot, int x) {
    const Complex64 t = transmission_at({part.y, x}, job.slice, origin, job.scale);
    const Pixel on = moved({part.y, x}, origin);
    const Complex64 w = aside[slot];
    if (there && inside(on, job.slice.extent)) deliver(weight * cross(v[slot], w), on, job.update);
    v[slot] = times_conjugate(v[slot], t);
    aside[slot] = times_conjugate(w, t);
  });
  transform<N, Order::descending, Direction::forward>(v, part.t, part.line, job.twiddles.descending, barrier);
  store_row<N, outer_radix<N>>(v, job.adjoint + part.begin, part.t, there);
  if (!job.rewind) return;
  for_values<N, inner_radix<N>>(part.t, [&](int slot, int) { v[slot] = aside[slot]; });
  transform<N, Order::descending, Direction::forward>(v, part.t, part.line, job.twiddles.descending, barrier);
  store_row<N, outer_radix<N>>(v, job.transmitted + part.begin, part.t, there);
}

} // namespace ptychoscale::cuda
