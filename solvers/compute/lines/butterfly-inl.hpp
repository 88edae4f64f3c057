// Transforms of up to 16 values in registers, for GPUs and for vectors of a CPU alike. Every index is a
// compile-time constant.
//
// Included inside a namespace, once for every kind of value, hence without a guard: the functions for a
// CPU's vectors are compiled once per instruction set. Whoever includes it has defined
//
// - PTYCHOSCALE_LINE and PTYCHOSCALE_LINE_LAMBDA: what stands before its functions and behind the parameters
//   of its lambdas;
// - Direction, and for the kind of value, with members re and im: +, -, negated(part), scaled(value, float),
//   plus_scaled(value, value, float), times_root(value, cosine, sine).

template <int I> struct Constant { static constexpr int value = I; };

/// body(Constant<First>), .., body(Constant<Last - 1>)
template <int First, int Last, class Body> PTYCHOSCALE_LINE void static_for(const Body& body) {
  if constexpr (First < Last) {
    body(Constant<First>{});
    static_for<First + 1, Last>(body);
  }
}

/// Taylor series about 0 of cos (first term 1) or sin (first term the angle), for |angle| <= pi.
PTYCHOSCALE_LINE constexpr double alternating_series(double first, double angle, int power) {
  double term = first;
  double sum = first;
  for (int i = power + 1; i < 40; i += 2) {
    term *= -angle * angle / (i * (i + 1));
    sum += term;
  }
  return sum;
}
/// Angle of k of n parts of a turn, in (-pi, pi].
PTYCHOSCALE_LINE constexpr double angle_of(int k, int n) {
  const int nearest = 2 * k > n ? k - n : k;
  return 2 * 3.14159265358979323846 * nearest / n;
}
PTYCHOSCALE_LINE constexpr float cosine(int k, int n) {
  return static_cast<float>(alternating_series(1, angle_of(k, n), 0));
}
PTYCHOSCALE_LINE constexpr float sine(int k, int n) {
  return static_cast<float>(alternating_series(angle_of(k, n), angle_of(k, n), 1));
}

/// v exp(-2 pi i K / R) forward, its conjugate factor inverse.
template <int R, int K, Direction D, class Value> PTYCHOSCALE_LINE Value turned(Value v) {
  constexpr int k = D == Direction::forward ? (R - K % R) % R : K % R;
  if constexpr (k == 0)
    return v;
  else if constexpr (4 * k == R)
    return {negated(v.im), v.re};
  else if constexpr (2 * k == R)
    return {negated(v.re), negated(v.im)};
  else if constexpr (4 * k == 3 * R)
    return {v.im, negated(v.re)};
  else {
    constexpr float c = cosine(k, R);
    constexpr float s = sine(k, R);
    return times_root(v, c, s);
  }
}

/// Odd prime R: the pairs u_j +- u_(R-j) meet real cosines and sines only.
template <int R, Direction D, class Value> PTYCHOSCALE_LINE void dft_odd(Value* u) {
  constexpr int half = R / 2;
  Value sum[half + 1];
  Value difference[half + 1];
  const Value first = u[0];
  static_for<1, half + 1>([&](auto j_) PTYCHOSCALE_LINE_LAMBDA {
    constexpr int j = decltype(j_)::value;
    sum[j] = u[j] + u[R - j];
    difference[j] = u[j] - u[R - j];
    u[0] = u[0] + sum[j];
  });
  static_for<1, half + 1>([&](auto k_) PTYCHOSCALE_LINE_LAMBDA {
    constexpr int k = decltype(k_)::value;
    constexpr float sign = D == Direction::forward ? 1 : -1;
    constexpr float c1 = cosine(k, R);
    constexpr float s1 = sign * sine(k, R);
    Value even = plus_scaled(first, sum[1], c1);
    Value odd = scaled(difference[1], s1);
    static_for<2, half + 1>([&](auto j_) PTYCHOSCALE_LINE_LAMBDA {
      constexpr int j = decltype(j_)::value;
      constexpr float c = cosine(j * k % R, R);
      constexpr float s = sign * sine(j * k % R, R);
      even = plus_scaled(even, sum[j], c);
      odd = plus_scaled(odd, difference[j], s);
    });
    u[k] = {even.re + odd.im, even.im - odd.re};
    u[R - k] = {even.re - odd.im, even.im + odd.re};
  });
}

/// The largest factor of a composite radix up to its square root.
PTYCHOSCALE_LINE constexpr int smaller_factor(int radix) {
  int factor = 1;
  for (int f = 2; f * f <= radix; ++f)
    if (radix % f == 0) factor = f;
  return factor;
}

/// u_k <- sum_j u_j exp(-+ 2 pi i j k / R), in order, unscaled. Composite radices by Cooley and Tukey:
/// j = B j1 + j2, k = k1 + A k2.
template <int R, Direction D, class Value> PTYCHOSCALE_LINE void dft(Value* u) {
  constexpr int A = smaller_factor(R);
  if constexpr (R == 2) {
    const Value first = u[0];
    u[0] = first + u[1];
    u[1] = first - u[1];
  } else if constexpr (A == 1) {
    dft_odd<R, D>(u);
  } else {
    constexpr int B = R / A;
    Value inner[R];
    static_for<0, B>([&](auto j2_) PTYCHOSCALE_LINE_LAMBDA {
      constexpr int j2 = decltype(j2_)::value;
      Value column[A];
      static_for<0, A>([&](auto j1) PTYCHOSCALE_LINE_LAMBDA {
        column[decltype(j1)::value] = u[B * decltype(j1)::value + j2];
      });
      dft<A, D>(column);
      static_for<0, A>([&](auto k1_) PTYCHOSCALE_LINE_LAMBDA {
        constexpr int k1 = decltype(k1_)::value;
        inner[k1 * B + j2] = turned<R, j2 * k1, D>(column[k1]);
      });
    });
    static_for<0, A>([&](auto k1_) PTYCHOSCALE_LINE_LAMBDA {
      constexpr int k1 = decltype(k1_)::value;
      dft<B, D>(inner + k1 * B);
      static_for<0, B>([&](auto k2) PTYCHOSCALE_LINE_LAMBDA {
        u[k1 + A * decltype(k2)::value] = inner[k1 * B + decltype(k2)::value];
      });
    });
  }
}
