// Passes over as many lines as a vector has lanes. Included once per instruction set, inside its namespace.
//
// There: a pass of radix R makes of a line of n values R lines of n / R, one behind the other, of which line
// k holds the frequencies k + R k' (decimation in frequency). Back: the transposed passes in reverse order.
// Nothing is sorted on the way; Passes::frequency says what is where. Lines are worked on one after the other
// to the end, so that those that no longer fit into a cache soon do.

/// Where a pass reads or writes: vectors in scratch.
template <class D> struct InScratch {
  float* first;
  HWY_INLINE Lanes<D> get(int i) const { return vector_at<D>(first, i); }
  HWY_INLINE void put(int i, Lanes<D> v) const { put_vector(v, first, i); }
};
/// The same columns of rows that are `pitch` apart; all lanes of them, or `count`.
template <class D> struct InColumns {
  Complex* first;
  std::ptrdiff_t pitch;
  HWY_INLINE Lanes<D> get(int i) const { return neighbours_at<D>(first + i * pitch); }
  HWY_INLINE void put(int i, Lanes<D> v) const { put_neighbours(v, first + i * pitch); }
};
template <class D> struct InSomeColumns {
  Complex* first;
  std::ptrdiff_t pitch;
  int count;
  HWY_INLINE Lanes<D> get(int i) const { return some_at<D>(first + i * pitch, count); }
  HWY_INLINE void put(int i, Lanes<D> v) const { put_some(v, first + i * pitch, count); }
};

/// body(Constant<radix>)
template <class Body> HWY_INLINE void with_radix(int radix, const Body& body) {
  switch (radix) {
  case 2:
    return body(Constant<2>{});
  case 3:
    return body(Constant<3>{});
  case 4:
    return body(Constant<4>{});
  case 5:
    return body(Constant<5>{});
  case 6:
    return body(Constant<6>{});
  case 7:
    return body(Constant<7>{});
  case 8:
    return body(Constant<8>{});
  default:
    return body(Constant<16>{});
  }
}

/// The way there over a line of radix * m values: butterflies, then twiddle factors, which are 1 if m is.
template <Direction Dir, bool Twiddled = true, class From, class D>
HWY_NOINLINE void pass_there(int radix, int m, const Complex* twiddles, const From& from,
                             const InScratch<D>& to) {
  with_radix(radix, [&](auto radix_) PTYCHOSCALE_LINE_LAMBDA {
    constexpr int R = decltype(radix_)::value;
    for (int j = 0; j < m; ++j) {
      Lanes<D> u[R];
      static_for<0, R>([&](auto r) PTYCHOSCALE_LINE_LAMBDA {
        u[decltype(r)::value] = from.get(j + decltype(r)::value * m);
      });
      dft<R, Dir>(u);
      to.put(j, u[0]);
      static_for<1, R>([&](auto k_) PTYCHOSCALE_LINE_LAMBDA {
        constexpr int k = decltype(k_)::value;
        if constexpr (Twiddled) u[k] = turned_by<Dir>(u[k], everywhere<D>(twiddles + m * k + j));
        to.put(j + k * m, u[k]);
      });
    }
  });
}

/// The way back over such a line: twiddle factors, then butterflies.
template <Direction Dir, bool Twiddled = true, class To, class D>
HWY_NOINLINE void pass_back(int radix, int m, const Complex* twiddles, const InScratch<D>& from,
                            const To& to) {
  with_radix(radix, [&](auto radix_) PTYCHOSCALE_LINE_LAMBDA {
    constexpr int R = decltype(radix_)::value;
    for (int j = 0; j < m; ++j) {
      Lanes<D> u[R];
      u[0] = from.get(j);
      static_for<1, R>([&](auto k_) PTYCHOSCALE_LINE_LAMBDA {
        constexpr int k = decltype(k_)::value;
        u[k] = from.get(j + k * m);
        if constexpr (Twiddled) u[k] = turned_by<Dir>(u[k], everywhere<D>(twiddles + m * k + j));
      });
      dft<R, Dir>(u);
      static_for<0, R>(
          [&](auto r) PTYCHOSCALE_LINE_LAMBDA { to.put(j + decltype(r)::value * m, u[decltype(r)::value]); });
    }
  });
}

/// Some of the lines that the passes before have left: `length` values from `first` on, of which the first is
/// at `place` of the whole line.
template <class D> struct Part {
  InScratch<D> first;
  int length;
  int place;
  HWY_INLINE Part line(int i, int n) const {
    return {{first.first + 2 * lanes_of<D> * i * n}, n, place + i * n};
  }
};

/// The butterflies of the last pass, which needs no twiddle factors: body(Constant<radix>, values, i) on
/// those from i of the part on.
template <Direction Dir, class D, class Body>
HWY_NOINLINE void last_butterflies(int radix, const Part<D>& part, const Body& body) {
  with_radix(radix, [&](auto radix_) PTYCHOSCALE_LINE_LAMBDA {
    constexpr int R = decltype(radix_)::value;
    for (int i = 0; i < part.length; i += R) {
      Lanes<D> u[R];
      static_for<0, R>([&](auto r) PTYCHOSCALE_LINE_LAMBDA {
        u[decltype(r)::value] = part.first.get(i + decltype(r)::value);
      });
      dft<R, Dir>(u);
      body(radix_, u, i);
    }
  });
}
/// The same where they are.
template <Direction Dir, class D> void last_butterflies(int radix, const Part<D>& part) {
  last_butterflies<Dir>(radix, part, [&](auto radix_, Lanes<D>* u, int i) PTYCHOSCALE_LINE_LAMBDA {
    static_for<0, decltype(radix_)::value>([&](auto r) PTYCHOSCALE_LINE_LAMBDA {
      part.first.put(i + decltype(r)::value, u[decltype(r)::value]);
    });
  });
}

/// All passes from `pass` on but the last over a line there, then at_end(part) on what these leave, a few
/// short lines at a time.
template <Direction Dir, class D, class AtEnd>
void go_there(const Passes& p, int pass, const Part<D>& line, const AtEnd& at_end) {
  const int last = p.radices.count - 1;
  if (pass == last) return at_end(line);
  const int radix = p.radices.radix[pass];
  const int m = line.length / radix;
  pass_there<Dir>(radix, m, p.twiddles.data(), line.first, line.first);
  if (pass + 1 == last) return at_end(line);
  for (int i = 0; i < radix; ++i) go_there<Dir>(p, pass + 1, line.line(i, m), at_end);
}

/// The same, then back, in the other direction.
template <Direction Dir, class D, class AtEnd>
void go_there_and_back(const Passes& p, int pass, const Part<D>& line, const AtEnd& at_end) {
  constexpr Direction back = Dir == Direction::forward ? Direction::inverse : Direction::forward;
  const int last = p.radices.count - 1;
  if (pass == last) return at_end(line);
  const int radix = p.radices.radix[pass];
  const int m = line.length / radix;
  pass_there<Dir>(radix, m, p.twiddles.data(), line.first, line.first);
  if (pass + 1 == last)
    at_end(line);
  else
    for (int i = 0; i < radix; ++i) go_there_and_back<Dir>(p, pass + 1, line.line(i, m), at_end);
  pass_back<back>(radix, m, p.twiddles.data(), line.first, line.first);
}
