#pragma once

#include "ptychoscale/io/dataset.hpp"

#include <optional>
#include <span>
#include <vector>

namespace ptychoscale {

/// The defocus and the orientation in which shadow images fit together.
struct ShadowFit {
  double C10_A = 0;        ///< at the specimen's middle: half its thickness more than at its entrance
  double degrees = 0;      ///< of the patterns, from x towards y, from -90 to 90; as Turn has it
  bool transposed = false; ///< ky and kx change places before that
  double agreement = 0;    ///< correlation of what different positions show of one place; 1 for all
  double as_is = 0;        ///< the same in the dataset's own orientation, at whatever defocus fits best
  double otherwise = 0;    ///< the same at its best in any clearly different orientation, or in focus
  /// Whether they tell it at all: a crystal whose cells are a multiple of the scan's steps looks alike in
  /// several orientations, and noise in none. Where this held, simulations were never fitted wrongly.
  [[nodiscard]] bool is_clear() const { return agreement > 0.1 && otherwise < 0.7 * agreement; }
  /// Whether that is clearly not the dataset's own orientation.
  [[nodiscard]] bool is_other() const { return is_clear() && (transposed || degrees > 8 || degrees < -8); }
};

/// What falls on parts of the bright disk, position by position. Out of focus every part is a shadow image of
/// the specimen, shifted by C10 times its angle; in the right orientation, with the right defocus and its
/// sign, all of them show the same. Half a turn of the patterns is the other sign of C10: the two cannot be
/// told apart. Remembers some hundred positions, spread over the scan's middle.
class ShadowImages {
public:
  explicit ShadowImages(const DatasetHeader& header);
  /// Amplitudes [ky][kx], zero frequency first, of a position that is in use.
  void add(int position, std::span<const float> amplitudes);
  /// Nothing where positions or parts are too few, or the scan is too narrow to see a shift.
  [[nodiscard]] std::optional<ShadowFit> fit() const;

private:
  void choose_places();
  const DatasetHeader& header_;
  double cell_A_;                  ///< what meets within it comes from one place
  std::vector<int> chosen_;        ///< positions to remember, in order
  std::vector<int> part_of_pixel_; ///< [ky][kx]; -1 outside of the disk, and without weight
  std::vector<Position> angles_;   ///< of every part, rad
  std::vector<Position> places_;   ///< of every position that is remembered, angstrom
  std::vector<float> values_;      ///< [place][part], intensities
};

} // namespace ptychoscale
