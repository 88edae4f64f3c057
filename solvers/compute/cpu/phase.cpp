#include "phase.hpp"

#include <bit>
#include <cstdint>

namespace ptychoscale::phase {
namespace {

// Interleaved float views of complex64, which the standard guarantees; GCC vectorises these and not
// std::complex.
float* floats(Complex* w) { return reinterpret_cast<float*>(w); }
const float* floats(const Complex* w) { return reinterpret_cast<const float*>(w); }

struct SinCos {
  float sine;
  float cosine;
};

/// Cody-Waite reduction to [-pi/4, pi/4] in three parts, then the minimax polynomials of Cephes sinf/cosf.
inline SinCos sincos_reduced(float a) {
  constexpr float two_over_pi = 0.636619772367581343F;
  constexpr float half_pi_high = 1.5703125F;
  constexpr float half_pi_middle = 4.837512969970703125e-4F;
  constexpr float half_pi_low = 7.549789948768648e-8F;
  constexpr float round_magic =
      12582912.0F; // 1.5 * 2^23: adding it rounds to an integer kept in the low mantissa bits
  const float shifted = a * two_over_pi + round_magic;
  const auto quadrant = std::bit_cast<std::uint32_t>(shifted);
  const float q = shifted - round_magic;
  const float r = ((a - q * half_pi_high) - q * half_pi_middle) - q * half_pi_low;
  const float r2 = r * r;
  const float sine = r + r * r2 * (-1.6666654611e-1F + r2 * (8.3321608736e-3F + r2 * -1.9515295891e-4F));
  const float cosine =
      1.0F - 0.5F * r2 +
      r2 * r2 * (4.166664568298827e-2F + r2 * (-1.388731625493765e-3F + r2 * 2.443315711809948e-5F));
  const bool swapped = (quadrant & 1U) != 0;
  const float sine_sign = std::bit_cast<float>(std::bit_cast<std::uint32_t>(1.0F) | ((quadrant & 2U) << 30U));
  const float cosine_sign =
      std::bit_cast<float>(std::bit_cast<std::uint32_t>(1.0F) | (((quadrant + 1U) & 2U) << 30U));
  return {sine_sign * (swapped ? cosine : sine), cosine_sign * (swapped ? sine : cosine)};
}

} // namespace

void factors(const float* v, float sigma, float scale, float* c, float* s, int n) {
#pragma omp simd
  for (int i = 0; i < n; ++i) {
    const auto sc = sincos_reduced(sigma * v[i]);
    c[i] = scale * sc.cosine;
    s[i] = scale * sc.sine;
  }
}

void multiply(Complex* w, const float* c, const float* s, int n) {
  float* f = floats(w);
#pragma omp simd
  for (int i = 0; i < n; ++i) {
    const float re = f[2 * i];
    const float im = f[2 * i + 1];
    f[2 * i] = c[i] * re - s[i] * im;
    f[2 * i + 1] = c[i] * im + s[i] * re;
  }
}

void multiply_conjugate(Complex* w, const float* c, const float* s, int n) {
  float* f = floats(w);
#pragma omp simd
  for (int i = 0; i < n; ++i) {
    const float re = f[2 * i];
    const float im = f[2 * i + 1];
    f[2 * i] = c[i] * re + s[i] * im;
    f[2 * i + 1] = c[i] * im - s[i] * re;
  }
}

void cross(float* g, const Complex* a, const Complex* w, float weight, int n) {
  const float* fa = floats(a);
  const float* fw = floats(w);
#pragma omp simd
  for (int i = 0; i < n; ++i) g[i] = weight * (fa[2 * i] * fw[2 * i + 1] - fa[2 * i + 1] * fw[2 * i]);
}

void apply(float* v, float* gradient, const float* g, float step, int n) {
  if (gradient != nullptr) {
#pragma omp simd
    for (int i = 0; i < n; ++i) gradient[i] += g[i];
  }
  if (step != 0) {
#pragma omp simd
    for (int i = 0; i < n; ++i) v[i] -= step * g[i];
  }
}

void scale(Complex* w, float scale, int n) {
  float* f = floats(w);
#pragma omp simd
  for (int i = 0; i < 2 * n; ++i) f[i] *= scale;
}

} // namespace ptychoscale::phase
