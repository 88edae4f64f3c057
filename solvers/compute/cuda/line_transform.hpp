#pragma once

#include "butterfly.hpp"
#include "line_plan.hpp"

// The transform of a line by the threads that share it, after Stockham: self-sorting, so that values come out
// in order (Govindaraju et al., "High performance discrete Fourier transforms on graphics processors", SC
// 2008, Fig. 1). Values live in registers; between passes they change threads through shared memory.
namespace ptychoscale::cuda {

/// What a thread holds of a line.
template <int N> using LineValues = Complex64[LinePlan<N>::values];

/// Every 16 values one is left free, so that neighbouring threads whose values lie a power of two apart meet
/// different banks.
PTYCHOSCALE_HD constexpr int padded(int i) { return i + i / 16; }

/// A line in shared memory, of padded(N) values `Stride` apart; lines side by side are interleaved.
template <int Stride> struct SharedLine {
  Complex64* first;
  PTYCHOSCALE_HD Complex64& operator[](int i) const { return first[padded(i) * Stride]; }
};

/// Whether a thread makes a butterfly in this round of a pass of radix R. Where all of them do the compiler
/// is told, which cannot see how many threads there are.
template <int N, int R> PTYCHOSCALE_HD bool has_butterfly(int butterfly, int round) {
  return (round + 1) * LinePlan<N>::threads <= N / R || butterfly < N / R;
}

/// body(slot, i): value i of the line is in the thread's slot, where a pass of radix R begins, and where the
/// last pass ends. `t` is the thread's number in the line.
template <int N, int R, class Body> PTYCHOSCALE_HD void for_values(int t, const Body& body) {
  constexpr int threads = LinePlan<N>::threads;
  PTYCHOSCALE_UNROLL
  for (int round = 0; round < rounds(N, R, threads); ++round) {
    const int butterfly = t + round * threads;
    if (has_butterfly<N, R>(butterfly, round)) {
      PTYCHOSCALE_UNROLL
      for (int r = 0; r < R; ++r) body(round * R + r, butterfly + r * (N / R));
    }
  }
}

/// Slots that a thread uses in a pass of radix R, some of them perhaps not by every thread.
template <int N, int R> constexpr int slots_used = rounds(N, R, LinePlan<N>::threads) * R;

/// The same for the slots [first, last) alone, as far as there are so many; they are constants once a loop
/// over them is unrolled.
template <int N, int R, class Body>
PTYCHOSCALE_HD void for_slots(int first, int last, int t, const Body& body) {
  constexpr int threads = LinePlan<N>::threads;
  PTYCHOSCALE_UNROLL
  for (int slot = first; slot < last && slot < slots_used<N, R>; ++slot) {
    const int round = slot / R;
    const int butterfly = t + round * threads;
    if (has_butterfly<N, R>(butterfly, round)) body(slot, butterfly + slot % R * (N / R));
  }
}

/// One pass in registers: twiddle factors, then butterflies.
template <int N, Order O, int Pass, Direction D>
PTYCHOSCALE_HD void make_pass(LineValues<N>& v, int t, const Complex64* twiddles) {
  constexpr int R = radix_of(LinePlan<N>::radices, O, Pass);
  constexpr int stride = stride_of(LinePlan<N>::radices, O, Pass);
  constexpr int threads = LinePlan<N>::threads;
  PTYCHOSCALE_UNROLL
  for (int round = 0; round < rounds(N, R, threads); ++round) {
    const int butterfly = t + round * threads;
    if (has_butterfly<N, R>(butterfly, round)) {
      Complex64* u = v + round * R;
      if constexpr (Pass > 0) {
        const int k = butterfly % stride;
        PTYCHOSCALE_UNROLL
        for (int r = 1; r < R; ++r) {
          const Complex64 w = twiddles[stride * r + k];
          u[r] = D == Direction::forward ? times(u[r], w) : times_conjugate(u[r], w);
        }
      }
      dft<R, D>(u);
    }
  }
}

/// Puts what a pass made where the next one looks for it.
template <int N, Order O, int Pass, class Line>
PTYCHOSCALE_HD void scatter(const LineValues<N>& v, int t, const Line& line) {
  constexpr int R = radix_of(LinePlan<N>::radices, O, Pass);
  constexpr int stride = stride_of(LinePlan<N>::radices, O, Pass);
  constexpr int threads = LinePlan<N>::threads;
  PTYCHOSCALE_UNROLL
  for (int round = 0; round < rounds(N, R, threads); ++round) {
    const int butterfly = t + round * threads;
    if (has_butterfly<N, R>(butterfly, round)) {
      const int k = butterfly % stride;
      PTYCHOSCALE_UNROLL
      for (int r = 0; r < R; ++r) line[(butterfly - k) * R + k + r * stride] = v[round * R + r];
    }
  }
}

/// The values in v, arranged for the first radix of the order, become their transform, unscaled, arranged for
/// the last. All threads of the block call it; `barrier` waits for them.
template <int N, Order O, Direction D, int Pass = 0, class Line, class Barrier>
PTYCHOSCALE_HD void transform(LineValues<N>& v, int t, const Line& line, const Complex64* twiddles,
                              const Barrier& barrier) {
  make_pass<N, O, Pass, D>(v, t, twiddles);
  if constexpr (Pass + 1 < LinePlan<N>::passes) {
    barrier(); // the line may still be read
    scatter<N, O, Pass>(v, t, line);
    barrier();
    constexpr int R = radix_of(LinePlan<N>::radices, O, Pass + 1);
    for_values<N, R>(t, [&](int slot, int i) { v[slot] = line[i]; });
    transform<N, O, D, Pass + 1>(v, t, line, twiddles, barrier);
  }
}

/// Radices with which the ascending order begins and ends.
template <int N> constexpr int outer_radix = LinePlan<N>::radices.radix[0];
template <int N> constexpr int inner_radix = LinePlan<N>::radices.radix[LinePlan<N>::passes - 1];

/// Twiddle tables of one length on the device.
struct Twiddles {
  const Complex64* ascending;
  const Complex64* descending;
};

/// Which thread of which block is asked; `group` counts groups of neighbouring lines of a wave.
struct Place {
  int group;
  int wave;
  int thread;
};

} // namespace ptychoscale::cuda
