#pragma once

#include "complex64.hpp"
#include "ptychoscale/compute/backend.hpp"

// Transforms of up to 16 values in registers. Every index is a compile-time constant.
namespace ptychoscale::cuda {

template <int I> struct Constant { static constexpr int value = I; };

/// body(Constant<First>), .., body(Constant<Last - 1>)
template <int First, int Last, class Body> PTYCHOSCALE_HD void static_for(const Body& body) {
  if constexpr (First < Last) {
    body(Constant<First>{});
    static_for<First + 1, Last>(body);
  }
}

/// Taylor series about 0 of cos (first term 1) or sin (first term the angle), for |angle| <= pi.
PTYCHOSCALE_HD constexpr double alternating_series(double first, double angle, int power) {
  double term = first;
  double sum = first;
  for (int i = power + 1; i < 40; i += 2) {
    term *= -angle * angle / (i * (i + 1));
    sum += term;
  }
  return sum;
}
/// Angle of k of n parts of a turn, in (-pi, pi].
PTYCHOSCALE_HD constexpr double angle_of(int k, int n) {
  const int nearest = 2 * k > n ? k - n : k;
  return 2 * 3.14159265358979323846 * nearest / n;
}
PTYCHOSCALE_HD constexpr float cosine(int k, int n) {
  return static_cast<float>(alternating_series(1, angle_of(k, n), 0));
}
PTYCHOSCALE_HD constexpr float sine(int k, int n) {
  return static_cast<float>(alternating_series(angle_of(k, n), angle_of(k, n), 1));
}

/// v exp(-2 pi i K / R) forward, its conjugate factor inverse.
template <int R, int K, Direction D> PTYCHOSCALE_HD Complex64 turned(Complex64 v) {
  constexpr int k = D == Direction::forward ? (R - K % R) % R : K % R;
  if constexpr (k == 0)
    return v;
  else if constexpr (4 * k == R)
    return {-v.im, v.re};
  else if constexpr (2 * k == R)
    return {-v.re, -v.im};
  else if constexpr (4 * k == 3 * R)
    return {v.im, -v.re};
  else {
    constexpr Complex64 root{cosine(k, R), sine(k, R)};
    return times(v, root);
  }
}

/// Odd prime R: the pairs u_j +- u_(R-j) meet real cosines and sines only.
template <int R, Direction D> PTYCHOSCALE_HD void dft_odd(Complex64* u) {
  constexpr int half = R / 2;
  Complex64 sum[half + 1];
  Complex64 difference[half + 1];
  const Complex64 first = u[0];
  static_for<1, half + 1>([&](auto j_) {
    constexpr int j = decltype(j_)::value;
    sum[j] = u[j] + u[R - j];
    difference[j] = u[j] - u[R - j];
    u[0] = u[0] + sum[j];
  });
  static_for<1, half + 1>([&](auto k_) {
    constexpr int k = decltype(k_)::value;
    Complex64 even = first;
    Complex64 odd{0, 0};
    static_for<1, half + 1>([&](auto j_) {
      constexpr int j = decltype(j_)::value;
      constexpr float c = cosine(j * k % R, R);
      constexpr float s = D == Direction::forward ? sine(j * k % R, R) : -sine(j * k % R, R);
      even = even + scaled(sum[j], c);
      odd = odd + scaled(difference[j], s);
    });
    u[k] = {even.re + odd.im, even.im - odd.re};
    u[R - k] = {even.re - odd.im, even.im + odd.re};
  });
}

/// The largest factor of a composite radix up to its square root.
PTYCHOSCALE_HD constexpr int smaller_factor(int radix) {
  int factor = 1;
  for (int f = 2; f * f <= radix; ++f)
    if (radix % f == 0) factor = f;
  return factor;
}

/// u_k <- sum_j u_j exp(-+ 2 pi i j k / R), in order, unscaled. Composite radices by Cooley and Tukey:
/// j = B j1 + j2, k = k1 + A k2.
template <int R, Direction D> PTYCHOSCALE_HD void dft(Complex64* u) {
  constexpr int A = smaller_factor(R);
  if constexpr (R == 2) {
    const Complex64 first = u[0];
    u[0] = first + u[1];
    u[1] = first - u[1];
  } else if constexpr (A == 1) {
    dft_odd<R, D>(u);
  } else {
    constexpr int B = R / A;
    Complex64 inner[R];
    static_for<0, B>([&](auto j2_) {
      constexpr int j2 = decltype(j2_)::value;
      Complex64 column[A];
      static_for<0, A>([&](auto j1) { column[decltype(j1)::value] = u[B * decltype(j1)::value + j2]; });
      dft<A, D>(column);
      static_for<0, A>([&](auto k1_) {
        constexpr int k1 = decltype(k1_)::value;
        inner[k1 * B + j2] = turned<R, j2 * k1, D>(column[k1]);
      });
    });
    static_for<0, A>([&](auto k1_) {
      constexpr int k1 = decltype(k1_)::value;
      dft<B, D>(inner + k1 * B);
      static_for<0, B>(
          [&](auto k2) { u[k1 + A * decltype(k2)::value] = inner[k1 * B + decltype(k2)::value]; });
    });
  }
}

} // namespace ptychoscale::cuda
