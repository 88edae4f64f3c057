#include "dataset_estimates.hpp"

#include "ptychoscale/io/masks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace ptychoscale {
namespace {

/// Patterns turned against the scan reconstruct to nothing, or to a specimen with seams and no reason.
Check check_orientation(const DatasetHeader& h, std::span<const Deflection> deflections) {
  constexpr std::string_view what = "orientation";
  const auto turn = turn_of(h, deflections);
  if (!turn) return {what, Verdict::ok, "not told by so few positions"};
  if (!turn->is_other())
    return {what, Verdict::ok,
            fmt::format("the deflections have {:.0f} % curl as they are, {:.0f} % at the least{}",
                        100 * turn->curl_as_is, 100 * turn->curl,
                        turn->is_clear() ? "" : ": they do not tell it")};
  return {what, Verdict::warning,
          fmt::format(
              "the deflections have {:.0f} % curl as they are, {:.0f} % for patterns that are {}turned by "
              "{:.0f} degrees from x towards y, or half a turn more: turn them back, or the positions",
              100 * turn->curl_as_is, 100 * turn->curl, turn->transposed ? "transposed and " : "",
              turn->degrees)};
}

Check check_aperture(const DatasetHeader& h, const std::optional<Disk>& disk) {
  constexpr std::string_view what = "aperture";
  constexpr double tolerance = 0.1;
  if (!disk) return {what, Verdict::ok, "most of the bright disk is hidden"};
  const auto found = fmt::format("{:.3g} mrad in the mean pattern, {:g} in the header", disk->semiangle_mrad,
                                 h.semiangle_mrad);
  // A disk of a few pixels is no better known than to one of them.
  const double pixel_mrad = disk->semiangle_mrad / std::max(1.0, disk->radius_px);
  const bool fits =
      std::abs(disk->semiangle_mrad - h.semiangle_mrad) <= std::max(tolerance * h.semiangle_mrad, pixel_mrad);
  return fits ? Check{what, Verdict::ok, found}
              : Check{what, Verdict::warning, found + ": is the angle right, and pixel_A?"};
}

Check check_centre(const DatasetHeader& h, const std::optional<Disk>& disk) {
  constexpr std::string_view what = "centre";
  if (!disk) return {what, Verdict::ok, "most of the bright disk is hidden"};
  const auto tenths = [](double pixels) { return std::round(10 * pixels) / 10 + 0.0; }; // no "-0.0"
  const double y = tenths(disk->centre.ky * h.detector.y * h.pixel.y);
  const double x = tenths(disk->centre.kx * h.detector.x * h.pixel.x);
  const auto found =
      fmt::format("the bright disk is off the middle by ({:.1f}, {:.1f}) pixels of (ky, kx)", y, x);
  const bool fits = std::hypot(y, x) <= std::max(1.0, disk->radius_px / 10);
  return {what, fits ? Verdict::ok : Verdict::warning,
          found + (fits ? "" : ": shift the patterns so that zero frequency is where the layout has it")};
}

} // namespace

DatasetEstimates::DatasetEstimates(const DatasetHeader& header)
    : header_(header), deflections_(header.positions_A.size()), mean_(header.detector.area()) {}

void DatasetEstimates::add(int position, std::span<const float> amplitudes) {
  deflections_[static_cast<std::size_t>(position)] = deflection_of(amplitudes, header_);
  for (std::size_t i = 0; i < mean_.size(); ++i)
    mean_[i] += static_cast<double>(std::max(amplitudes[i], 0.0F)) * static_cast<double>(amplitudes[i]);
}

std::vector<Check> DatasetEstimates::checks() const {
  const auto disk = disk_of(mean_, header_);
  return {check_orientation(header_, deflections_), check_aperture(header_, disk),
          check_centre(header_, disk)};
}

} // namespace ptychoscale
