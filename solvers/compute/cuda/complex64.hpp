#pragma once

#include "../lines/host_device.hpp"

#include <complex>

namespace ptychoscale::cuda {

/// A complex64 as kernels see it: the layout of std::complex<float>, moved as one 8-byte word.
struct alignas(8) Complex64 {
  float re;
  float im;
};

PTYCHOSCALE_HD Complex64 operator+(Complex64 a, Complex64 b) { return {a.re + b.re, a.im + b.im}; }
PTYCHOSCALE_HD Complex64 operator-(Complex64 a, Complex64 b) { return {a.re - b.re, a.im - b.im}; }
PTYCHOSCALE_HD float negated(float part) { return -part; }
PTYCHOSCALE_HD Complex64 scaled(Complex64 a, float s) { return {s * a.re, s * a.im}; }
/// a + s b
PTYCHOSCALE_HD Complex64 plus_scaled(Complex64 a, Complex64 b, float s) { return a + scaled(b, s); }
PTYCHOSCALE_HD Complex64 swapped(Complex64 a) { return {a.im, a.re}; }
PTYCHOSCALE_HD Complex64 times(Complex64 a, Complex64 b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
PTYCHOSCALE_HD Complex64 times_conjugate(Complex64 a, Complex64 b) {
  return {a.re * b.re + a.im * b.im, a.im * b.re - a.re * b.im};
}
/// a times cosine + i sine
PTYCHOSCALE_HD Complex64 times_root(Complex64 a, float cosine, float sine) {
  return times(a, {cosine, sine});
}
/// The same memory, as kernels see it.
inline Complex64* raw(std::complex<float>* p) { return reinterpret_cast<Complex64*>(p); }
inline const Complex64* raw(const std::complex<float>* p) { return reinterpret_cast<const Complex64*>(p); }

/// Im[conj(a) b]
PTYCHOSCALE_HD float cross(Complex64 a, Complex64 b) { return a.re * b.im - a.im * b.re; }

} // namespace ptychoscale::cuda
