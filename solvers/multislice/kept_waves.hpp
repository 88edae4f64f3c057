#pragma once

#include "ptychoscale/multislice/multislice.hpp"
#include "wave_stack.hpp"

#include <cmath>

namespace ptychoscale {

/// Slices between kept waves: every one, about the square root of them, or none at all (0).
[[nodiscard]] inline int keep_interval(const MultisliceParameters& p) {
  switch (p.adjoint) {
  case Adjoint::store:
    return 1;
  case Adjoint::checkpoint:
    return static_cast<int>(std::ceil(std::sqrt(static_cast<double>(p.slices))));
  case Adjoint::reverse:
    return 0;
  }
  return 0;
}

/// Memory for the waves at slices, for the backward sweep: at the first of every segment of slices, and at
/// the others of one segment at a time.
class KeptWaves {
public:
  [[nodiscard]] KeptWaves(Backend& backend, const MultisliceParameters& p, int batch)
      : interval_(keep_interval(p)) {
    if (interval_ == 0) return;
    firsts_ = {backend, (p.slices + interval_ - 1) / interval_, batch, p.grid};
    others_ = {backend, interval_ - 1, batch, p.grid};
  }

  /// Whether none are kept, but recomputed backwards.
  [[nodiscard]] bool none() const { return interval_ == 0; }
  [[nodiscard]] bool is_first(int s) const { return !none() && s % interval_ == 0; }
  [[nodiscard]] int first_of_segment(int s) const { return s / interval_ * interval_; }
  [[nodiscard]] Waves at(int s, int active) const {
    return is_first(s) ? firsts_.part(s / interval_, active) : others_.part(s % interval_ - 1, active);
  }

private:
  int interval_;
  WaveStack firsts_, others_;
};

} // namespace ptychoscale
