#pragma once

#include "ptychoscale/compute/backend.hpp"

#include <complex>

namespace ptychoscale::phase {

/// Element-wise loops over one row segment of `n` pixels, all branch-free so that the compiler vectorises
/// them. `c` and `s` hold scale * cos(sigma V) and scale * sin(sigma V).

/// c, s <- scale * (cos, sin)(sigma * v); absolute error below 2e-7 * scale for |sigma v| < 1e4.
void factors(const float* v, float sigma, float scale, float* c, float* s, int n);
/// w <- (c + i s) w
void multiply(Complex* w, const float* c, const float* s, int n);
/// w <- (c - i s) w
void multiply_conjugate(Complex* w, const float* c, const float* s, int n);
/// g <- weight * Im[conj(a) w]
void cross(float* g, const Complex* a, const Complex* w, float weight, int n);
/// gradient += g when there is one; v -= step * g.
void apply(float* v, float* gradient, const float* g, float step, int n);
/// w <- scale * w
void scale(Complex* w, float scale, int n);

} // namespace ptychoscale::phase
