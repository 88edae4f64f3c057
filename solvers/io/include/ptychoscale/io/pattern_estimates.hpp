#pragma once

#include "ptychoscale/io/dataset.hpp"

#include <optional>
#include <span>
#include <vector>

namespace ptychoscale {

/// Where the intensity of a pattern lies on average, off zero frequency; 1 / angstrom.
struct Deflection {
  double ky = 0;
  double kx = 0;
};
/// Of amplitudes [ky][kx], zero frequency first; pixels without weight are left out.
[[nodiscard]] Deflection deflection_of(std::span<const float> amplitudes, const DatasetHeader& header);

/// How patterns seem to be turned against the scan. A thin specimen deflects the beam by the gradient of its
/// potential, which has no curl, in the right orientation and in no other; half a turn more fits as well.
struct Turn {
  double degrees = 0;      ///< of the patterns, from x towards y, from -90 to 90
  bool transposed = false; ///< ky and kx change places before that
  double curl = 0;         ///< left in that orientation, of curl^2 + divergence^2: 0 fits, 0.5 says nothing
  double curl_as_is = 0;   ///< in the dataset's own orientation
  /// Whether the curl tells the orientation at all: noise, and steps wider than what the specimen has of
  /// detail, make as much of it in any. 0.03 to 0.19 were seen for simulations.
  [[nodiscard]] bool is_clear() const { return curl < 0.16; }
  /// Whether that is clearly not the dataset's own; up to 3 degrees off were seen where it was, and more with
  /// steps wider than the specimen's detail, but then with 1.5 times the curl at most.
  [[nodiscard]] bool is_other() const {
    return is_clear() && curl_as_is > 1.6 * curl && (transposed || degrees > 8 || degrees < -8);
  }
};
/// From the deflections of all positions (those that are left out are not looked at); nothing where too few
/// of them have neighbours on two sides.
[[nodiscard]] std::optional<Turn> turn_of(const DatasetHeader& header,
                                          std::span<const Deflection> deflections);

/// The bright disk of the mean pattern, from the pixels brighter than half of what its middle has.
struct Disk {
  double semiangle_mrad = 0;
  double radius_px = 0; ///< mean of both axes
  Deflection centre;
};
/// Of mean intensities [ky][kx] in any unit, zero frequency first; nothing where a mask hides most of the
/// disk or nothing is bright.
[[nodiscard]] std::optional<Disk> disk_of(std::span<const double> mean, const DatasetHeader& header);

} // namespace ptychoscale
