// The verbs along x: neighbouring pixels of a row are the lanes, see RowTables; those of two rows where there
// are that many. Included once per instruction set, inside its namespace.

using RowTag = hn::CappedTag<float, 16>;
using RowLanes = Lanes<RowTag>;
using RowVector = hn::Vec<RowTag>;
#if HWY_MAX_BYTES < 64
inline constexpr int rows_at_once = 1;
inline constexpr int row_lanes = lanes_of<RowTag>;

HWY_INLINE RowLanes pixels_at(const RowsOf<Complex>& rows, int x) {
  return neighbours_at<RowTag>(rows[0] + x);
}
HWY_INLINE void put_pixels(RowLanes v, const RowsOf<Complex>& rows, int x) { put_neighbours(v, rows[0] + x); }
HWY_INLINE RowVector pixels_at(const RowsOf<const float>& rows, int x) {
  return hn::LoadU(RowTag(), rows[0] + x);
}
HWY_INLINE void put_pixels(RowVector v, const RowsOf<float>& rows, int x) {
  hn::StoreU(v, RowTag(), rows[0] + x);
}
#else
inline constexpr int rows_at_once = 2;
inline constexpr int row_lanes = lanes_of<RowTag> / 2;

HWY_INLINE RowLanes pixels_at(const RowsOf<Complex>& rows, int x) {
  const auto a = hn::LoadU(RowTag(), reinterpret_cast<const float*>(rows[0] + x));
  const auto b = hn::LoadU(RowTag(), reinterpret_cast<const float*>(rows[1] + x));
  return {hn::ConcatEven(RowTag(), b, a), hn::ConcatOdd(RowTag(), b, a)};
}
HWY_INLINE void put_pixels(RowLanes v, const RowsOf<Complex>& rows, int x) {
  // In blocks of four floats, lower {0, 1, 2, 3} and upper {4, 5, 6, 7} become {0, 4, 2, 6} and {1, 5, 3, 7}.
  const auto lower = hn::InterleaveLower(RowTag(), v.re, v.im);
  const auto upper = hn::InterleaveUpper(RowTag(), v.re, v.im);
  const auto even = hn::OddEvenBlocks(hn::SwapAdjacentBlocks(upper), lower);
  const auto odd = hn::OddEvenBlocks(upper, hn::SwapAdjacentBlocks(lower));
  hn::StoreU(hn::ConcatLowerLower(RowTag(), odd, even), RowTag(), reinterpret_cast<float*>(rows[0] + x));
  hn::StoreU(hn::ConcatUpperUpper(RowTag(), odd, even), RowTag(), reinterpret_cast<float*>(rows[1] + x));
}
HWY_INLINE RowVector pixels_at(const RowsOf<const float>& rows, int x) {
  const hn::Half<RowTag> half;
  return hn::Combine(RowTag(), hn::LoadU(half, rows[1] + x), hn::LoadU(half, rows[0] + x));
}
HWY_INLINE void put_pixels(RowVector v, const RowsOf<float>& rows, int x) {
  const hn::Half<RowTag> half;
  hn::StoreU(hn::LowerHalf(half, v), half, rows[0] + x);
  hn::StoreU(hn::UpperHalf(half, v), half, rows[1] + x);
}
#endif

/// Rows as lines side by side.
struct InRows {
  RowsOf<Complex> rows;
  HWY_INLINE RowLanes get(int i) const { return pixels_at(rows, i * row_lanes); }
  HWY_INLINE void put(int i, RowLanes v) const { put_pixels(v, rows, i * row_lanes); }
};

/// scratch <- the lines' transforms, in the order of their places.
template <Direction Dir>
HWY_INLINE void lines_there(const RowTables& t, const RowsOf<Complex>& rows, float* scratch) {
  const Passes& p = t.lines;
  const int radix = p.radices.radix[0];
  const int m = p.length / radix;
  const int last = p.radices.count - 1;
  const Part<RowTag> whole{{scratch}, p.length, 0};
  if (last == 0) return pass_there<Dir, false>(radix, m, p.twiddles.data(), InRows{rows}, whole.first);
  pass_there<Dir>(radix, m, p.twiddles.data(), InRows{rows}, whole.first);
  for (int pass = 1, length = m; pass < last; length /= p.radices.radix[pass++])
    for (int i = 0; i < p.length / length; ++i) {
      const auto line = whole.line(i, length).first;
      pass_there<Dir>(p.radices.radix[pass], length / p.radices.radix[pass], p.twiddles.data(), line, line);
    }
  last_butterflies<Dir>(p.radices.radix[last], whole);
}

/// rows <- the lines that the scratch's transforms are of.
template <Direction Dir>
HWY_INLINE void lines_back(const RowTables& t, const RowsOf<Complex>& rows, float* scratch) {
  const Passes& p = t.lines;
  const int last = p.radices.count - 1;
  const Part<RowTag> whole{{scratch}, p.length, 0};
  if (last == 0) return pass_back<Dir, false>(p.length, 1, p.twiddles.data(), whole.first, InRows{rows});
  last_butterflies<Dir>(p.radices.radix[last], whole);
  int m = p.radices.radix[last];
  for (int pass = last - 1; pass > 0; m *= p.radices.radix[pass--]) {
    const int length = m * p.radices.radix[pass];
    for (int i = 0; i < p.length / length; ++i) {
      const auto line = whole.line(i, length).first;
      pass_back<Dir>(p.radices.radix[pass], m, p.twiddles.data(), line, line);
    }
  }
  pass_back<Dir>(p.radices.radix[0], m, p.twiddles.data(), whole.first, InRows{rows});
}

/// Neighbouring frequencies of the lines from k on: as many as a row has lanes, or `rest` at the end. There a
/// vector's other lanes hold what does not matter.
template <bool Full> struct Frequencies {
  int k;
  int rest;
  HWY_INLINE RowVector get(const RowsOf<const float>& v, int x) const {
    if constexpr (Full) return pixels_at(v, x);
    HWY_ALIGN float buffer[rows_at_once * row_lanes] = {};
    for (int row = 0; row < rows_at_once; ++row)
      __builtin_memcpy(buffer + row * row_lanes, v[row] + x, sizeof(float) * static_cast<unsigned>(rest));
    return hn::Load(RowTag(), buffer);
  }
  HWY_INLINE void put(RowVector v, const RowsOf<float>& to, int x) const {
    if constexpr (Full) return put_pixels(v, to, x);
    HWY_ALIGN float buffer[rows_at_once * row_lanes];
    hn::Store(v, RowTag(), buffer);
    for (int row = 0; row < rows_at_once; ++row)
      __builtin_memcpy(to[row] + x, buffer + row * row_lanes, sizeof(float) * static_cast<unsigned>(rest));
  }
  HWY_INLINE void put(RowLanes v, const RowsOf<Complex>& to, int x) const {
    if constexpr (Full) return put_pixels(v, to, x);
    HWY_ALIGN Complex buffer[rows_at_once * row_lanes];
    put_neighbours(v, buffer);
    for (int row = 0; row < rows_at_once; ++row)
      __builtin_memcpy(to[row] + x, buffer + row * row_lanes, sizeof(Complex) * static_cast<unsigned>(rest));
  }
};
template <class Body> HWY_INLINE void for_frequencies(const RowTables& t, const Body& body) {
  const int m = t.lines.length;
  int k = 0;
  for (; k + row_lanes <= m; k += row_lanes) body(Frequencies<true>{k, row_lanes});
  if (k < m) body(Frequencies<false>{k, m - k});
}

HWY_INLINE RowLanes row_twiddle(const RowTables& t, int k) {
  return vector_at<RowTag>(t.twiddles.front().values, k);
}

/// u[r] <- the row's transform at k + m r and its neighbours, from the lines' at these frequencies.
template <Direction Dir, bool Full>
HWY_INLINE void gather(const RowTables& t, const float* scratch, Frequencies<Full> f, RowLanes* u) {
  const int* place = t.place.data();
  static_for<0, row_lanes>([&](auto i_) PTYCHOSCALE_LINE_LAMBDA {
    constexpr int i = decltype(i_)::value;
    const int k = f.k + (Full || i < f.rest ? i : 0);
    u[i] = turned_by<Dir>(vector_at<RowTag>(scratch, place[k]), row_twiddle(t, k));
  });
  transpose<row_lanes>(u);
  dft<row_lanes, Dir>(u);
}

/// The way back from it.
template <Direction Dir, bool Full>
HWY_INLINE void scatter(const RowTables& t, float* scratch, Frequencies<Full> f, RowLanes* u) {
  dft<row_lanes, Dir>(u);
  transpose<row_lanes>(u);
  const int* place = t.place.data();
  static_for<0, row_lanes>([&](auto i_) PTYCHOSCALE_LINE_LAMBDA {
    constexpr int i = decltype(i_)::value;
    if (Full || i < f.rest)
      put_vector(turned_by<Dir>(u[i], row_twiddle(t, f.k + i)), scratch, place[f.k + i]);
  });
}

template <Direction Dir>
void transform_rows_in(const RowTables& t, const RowsOf<Complex>& rows, float* scratch) {
  lines_there<Dir>(t, rows, scratch);
  const auto scale =
      hn::Set(RowTag(), Dir == Direction::inverse ? 1.0F / static_cast<float>(t.length) : 1.0F);
  for_frequencies(t, [&](auto f) PTYCHOSCALE_LINE_LAMBDA {
    RowLanes u[row_lanes];
    gather<Dir>(t, scratch, f, u);
    static_for<0, row_lanes>([&](auto r_) PTYCHOSCALE_LINE_LAMBDA {
      constexpr int r = decltype(r_)::value;
      f.put({hn::Mul(scale, u[r].re), hn::Mul(scale, u[r].im)}, rows, f.k + r * t.lines.length);
    });
  });
}

void transform_rows(const RowTables& t, const RowsOf<Complex>& rows, Direction direction, Complex* scratch) {
  auto* s = reinterpret_cast<float*>(scratch);
  if (direction == Direction::forward)
    transform_rows_in<Direction::forward>(t, rows, s);
  else
    transform_rows_in<Direction::inverse>(t, rows, s);
}

/// Asks for a part of the rows that come next, as large as the part of these that is worked on: rows are too
/// short for what processors guess by themselves.
HWY_INLINE void ask_for_next(const Complex* row, int part) {
  constexpr int line = 8;
  static_for<0, rows_at_once * row_lanes * row_lanes / line>([&](auto i) PTYCHOSCALE_LINE_LAMBDA {
    hwy::Prefetch(row + part * rows_at_once * row_lanes + line * decltype(i)::value);
  });
}

void transmit(const RowTables& t, const TransmitRows& job, Complex* scratch) {
  auto* s = reinterpret_cast<float*>(scratch);
  const float scale = 1.0F / static_cast<float>(t.length);
  const auto sigma = hn::Set(RowTag(), job.sigma);
  lines_there<Direction::inverse>(t, job.rows, s);
  for_frequencies(t, [&](auto f) PTYCHOSCALE_LINE_LAMBDA {
    RowLanes u[row_lanes];
    ask_for_next(job.rows[0] + rows_at_once * t.length, f.k);
    gather<Direction::inverse>(t, s, f, u);
    static_for<0, row_lanes>([&](auto r_) PTYCHOSCALE_LINE_LAMBDA {
      constexpr int r = decltype(r_)::value;
      const auto v = f.get(job.volts, f.k + r * t.lines.length);
      u[r] = times(u[r], phase_factor<RowTag>(hn::Mul(v, sigma), scale));
    });
    scatter<Direction::forward>(t, s, f, u);
  });
  lines_back<Direction::forward>(t, job.rows, s);
}

/// The gradient of some pixels, and both waves through the slice.
template <bool Full>
HWY_INLINE void adjoint_of(const RowTables& t, const AdjointRows& job, Frequencies<Full> f, RowLanes* w,
                           RowLanes* a) {
  const float scale = 1.0F / static_cast<float>(t.length);
  static_for<0, row_lanes>([&](auto r_) PTYCHOSCALE_LINE_LAMBDA {
    constexpr int r = decltype(r_)::value;
    const int x = f.k + r * t.lines.length;
    const auto cross = hn::NegMulAdd(a[r].im, w[r].re, hn::Mul(a[r].re, w[r].im));
    f.put(hn::Mul(cross, hn::Set(RowTag(), job.weight)), job.gradient, x);
    const auto v = f.get(job.volts, x);
    const auto factor = phase_factor<RowTag>(hn::Mul(v, hn::Set(RowTag(), job.sigma)), scale);
    a[r] = times_conjugate(a[r], factor);
    w[r] = times_conjugate(w[r], factor);
  });
}

void transmit_adjoint(const RowTables& t, const AdjointRows& job, Complex* scratch) {
  auto* of_w = reinterpret_cast<float*>(scratch);
  auto* of_a = of_w + 2 * rows_at_once * t.length;
  lines_there<Direction::inverse>(t, job.transmitted, of_w);
  lines_there<Direction::inverse>(t, job.adjoint, of_a);
  for_frequencies(t, [&](auto f) PTYCHOSCALE_LINE_LAMBDA {
    RowLanes w[row_lanes];
    RowLanes a[row_lanes];
    ask_for_next(job.transmitted[0] + rows_at_once * t.length, f.k);
    ask_for_next(job.adjoint[0] + rows_at_once * t.length, f.k);
    gather<Direction::inverse>(t, of_w, f, w);
    gather<Direction::inverse>(t, of_a, f, a);
    adjoint_of(t, job, f, w, a);
    if (job.rewind) scatter<Direction::forward>(t, of_w, f, w);
    scatter<Direction::forward>(t, of_a, f, a);
  });
  lines_back<Direction::forward>(t, job.adjoint, of_a);
  if (job.rewind) lines_back<Direction::forward>(t, job.transmitted, of_w);
}
