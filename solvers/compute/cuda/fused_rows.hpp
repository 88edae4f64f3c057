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

/// A thread's values of a slice or of its gradient.
template <int N> using RowReals = float[LinePlan<N>::values];

/// What of a row lies on the slice, and where in memory.
struct RowOnSlice {
  std::ptrdiff_t begin; ///< of pixel 0 of the row, which itself may lie beside the slice
  int left;             ///< of the slice, pixel 0 of the row lies there
  unsigned pixels;      ///< of the slice in this row
  PTYCHOSCALE_HD RowOnSlice(int y, Offset origin, Extent slice, bool there)
      : begin(static_cast<std::ptrdiff_t>(y + origin.y) * slice.x + origin.x), left(origin.x),
        pixels(there ? static_cast<unsigned>(slice.x) : 0) {}
  [[nodiscard]] PTYCHOSCALE_HD bool has(int x) const { return static_cast<unsigned>(x + left) < pixels; }
};

/// reals <- the row of `slice`, arranged for radix R; zero beside it. All of them at once, so that a thread
/// waits for memory once and not for every value.
template <int N, int R>
PTYCHOSCALE_HD void load_reals(RowReals<N>& reals, const float* slice, const RowOnSlice& on, int t) {
  for_values<N, R>(t, [&](int slot, int x) { reals[slot] = on.has(x) ? slice[on.begin + x] : 0; });
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
  const RowOnSlice on(part.y, origin, job.slice.extent, there);
  LineValues<N> v;
  load_row<N, outer_radix<N>>(v, job.waves + part.begin, part.t, there);
  RowReals<N> potential;
  load_reals<N, inner_radix<N>>(potential, job.slice.potential, on, part.t);
  transform<N, Order::ascending, Direction::inverse>(v, part.t, part.line, job.twiddles.ascending, barrier);
  for_values<N, inner_radix<N>>(part.t, [&](int slot, int) {
    v[slot] = times(v[slot], transmission(potential[slot], job.slice.sigma, job.scale));
  });
  transform<N, Order::descending, Direction::forward>(v, part.t, part.line, job.twiddles.descending, barrier);
  store_row<N, outer_radix<N>>(v, job.waves + part.begin, part.t, there);
}

/// Backend::transmit_adjoint; `scale` is 1 / N. Windows of several waves overlap, so that each leaves its
/// gradient `apart`, for gather_gradients; one alone delivers it. Every number is written by one thread.
struct TransmitAdjointRows {
  Complex64* transmitted;
  Complex64* adjoint;
  int ny;
  SliceOn slice;
  UpdateOn update;       ///< with `apart` nothing of it is touched
  float* apart;          ///< [wave][y][x] of the waves, set where they lie on the slice; or none
  const Offset* origins; ///< of the waves on the slice
  float scale;
  bool rewind;
  Twiddles twiddles;
};

/// Where a thread's values of a row's gradient go.
struct GradientRow {
  float* pixels = nullptr; ///< [x] of the wave; or none
  bool adds = false;       ///< to what is there
  PTYCHOSCALE_HD GradientRow(const TransmitAdjointRows& job, std::size_t row, const RowOnSlice& on) {
    if (job.apart != nullptr) {
      pixels = job.apart + row;
    } else if (job.update.gradient != nullptr) {
      pixels = job.update.gradient + on.begin;
      adds = true;
    }
  }
};

/// Shared memory behind the lines, where a thread leaves its values of the transmitted wave while it works on
/// the adjoint: both at once would fill the registers of a multiprocessor with a few warps.
template <int N> struct Aside {
  static constexpr int memory = LinePlan<N>::values * RowBlock<N>::threads; ///< in complex64
  Complex64* first;
  PTYCHOSCALE_HD Aside(Place place, Complex64* shared) : first(shared + RowBlock<N>::memory + place.thread) {}
  PTYCHOSCALE_HD Complex64& operator[](int slot) const { return first[slot * RowBlock<N>::threads]; }
};

/// Between the two transforms of the adjoint: delivers the gradient and goes through the slice, both waves.
/// What a pair of values needs of the slice is loaded before the pair in front of it is worked on: the stores
/// may be to the same memory, so that the compiler loads nothing ahead of them, and would otherwise wait for
/// every value.
template <int N>
PTYCHOSCALE_HD void deliver_and_go_back(const TransmitAdjointRows& job, LineValues<N>& v,
                                        const Aside<N>& aside, const RowOnSlice& on, const GradientRow& row,
                                        int t) {
  constexpr int R = inner_radix<N>;
  constexpr int pair = 2;
  const float weight = -2 * job.slice.sigma * job.scale * job.scale;
  RowReals<N> potential, gradient;
  const auto load = [&](int first) {
    for_slots<N, R>(first, first + pair, t, [&](int slot, int x) {
      potential[slot] = on.has(x) ? job.slice.potential[on.begin + x] : 0;
      gradient[slot] = on.has(x) && row.adds ? row.pixels[x] : 0;
    });
  };
  load(0);
  PTYCHOSCALE_UNROLL
  for (int first = 0; first < slots_used<N, R>; first += pair) {
    load(first + pair);
    for_slots<N, R>(first, first + pair, t, [&](int slot, int x) {
      const Complex64 through = transmission(potential[slot], job.slice.sigma, job.scale);
      const Complex64 w = aside[slot];
      const float g = weight * cross(v[slot], w);
      if (on.has(x)) {
        if (row.pixels != nullptr) row.pixels[x] = gradient[slot] + g;
        if (job.update.step != 0) job.update.potential[on.begin + x] = potential[slot] - job.update.step * g;
      }
      v[slot] = times_conjugate(v[slot], through);
      aside[slot] = times_conjugate(w, through);
    });
  }
}

template <int N, class Barrier>
PTYCHOSCALE_HD void transmit_adjoint_rows(const TransmitAdjointRows& job, Place place, Complex64* shared,
                                          const Barrier& barrier) {
  const RowPart<N> part(place, job.ny, shared);
  const Offset origin = job.origins[place.wave];
  if (!on_slice(part.y0, part.y0 + RowBlock<N>::lines, N, origin, job.slice.extent)) return;
  const bool there = part.y < job.ny && on_slice(part.y, part.y + 1, N, origin, job.slice.extent);
  const Aside<N> aside(place, shared);
  LineValues<N> v;
  load_row<N, outer_radix<N>>(v, job.transmitted + part.begin, part.t, there);
  transform<N, Order::ascending, Direction::inverse>(v, part.t, part.line, job.twiddles.ascending, barrier);
  for_values<N, inner_radix<N>>(part.t, [&](int slot, int) { aside[slot] = v[slot]; });
  load_row<N, outer_radix<N>>(v, job.adjoint + part.begin, part.t, there);
  transform<N, Order::ascending, Direction::inverse>(v, part.t, part.line, job.twiddles.ascending, barrier);
  const RowOnSlice on(part.y, origin, job.slice.extent, there);
  deliver_and_go_back<N>(job, v, aside, on, {job, part.begin, on}, part.t);
  transform<N, Order::descending, Direction::forward>(v, part.t, part.line, job.twiddles.descending, barrier);
  store_row<N, outer_radix<N>>(v, job.adjoint + part.begin, part.t, there);
  if (!job.rewind) return;
  for_values<N, inner_radix<N>>(part.t, [&](int slot, int) { v[slot] = aside[slot]; });
  transform<N, Order::descending, Direction::forward>(v, part.t, part.line, job.twiddles.descending, barrier);
  store_row<N, outer_radix<N>>(v, job.transmitted + part.begin, part.t, there);
}

/// What several waves have left apart goes to the gradient, to every voxel in the order of the waves.
struct GatherGradients {
  float* gradient;
  Extent extent; ///< of the gradient
  const float* apart;
  Extent window; ///< of the waves
  int waves;
  const Offset* origins;
};
/// Of all windows that a voxel lies in the first one's thread adds up for it.
PTYCHOSCALE_HD void gather_gradients(const GatherGradients& job, int wave, Pixel p) {
  const Pixel on = moved(p, job.origins[wave]);
  if (!inside(p, job.window) || !inside(on, job.extent)) return;
  const auto in_window = [&](int of) { return moved(on, {-job.origins[of].y, -job.origins[of].x}); };
  for (int before = 0; before < wave; ++before)
    if (inside(in_window(before), job.window)) return;
  const std::size_t area = static_cast<std::size_t>(job.window.y) * static_cast<std::size_t>(job.window.x);
  float& voxel = job.gradient[at(on, job.extent)];
  float sum = voxel;
  for (int of = wave; of < job.waves; ++of) {
    const Pixel q = in_window(of);
    if (inside(q, job.window)) sum += job.apart[static_cast<std::size_t>(of) * area + at(q, job.window)];
  }
  voxel = sum;
}

} // namespace ptychoscale::cuda
