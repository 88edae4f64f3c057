#pragma once

#include "ptychoscale/compute/backend.hpp"

#include <vector>

namespace ptychoscale {

/// A Gaussian along the beam: every slice becomes the mean of its neighbours' values, weighted by their
/// distance, of those that there are, so that what is alike in all slices stays as it is.
///
/// Patterns hardly tell what changes along the beam slower than across it (the missing wedge), so that slices
/// of thick specimens drift apart where data are noisy. PtyRAD blurs slices for that (its `obj_zblur`). It is
/// a choice and no part of F: what really differs between neighbouring slices is lost with it.
class SliceBlur {
public:
  /// `width` is the standard deviation in slices, above 0; a slice or more of the volume is metered as
  /// `accumulation`.
  [[nodiscard]] SliceBlur(Backend& backend, Volume volume, double width);

  /// Of the volume that it was made for.
  void apply();

private:
  void copy(float* to, const float* from);
  [[nodiscard]] const float* before(int slice, int now) const;

  Backend& backend_;
  Volume volume_;
  std::vector<double> weights_; ///< by distance, from 0
  Buffer<float> sum_;           ///< one slice
  Buffer<float> kept_;          ///< the last slices as they were, by their number modulo how many there are
};

} // namespace ptychoscale
