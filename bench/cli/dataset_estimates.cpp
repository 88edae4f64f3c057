#include "dataset_estimates.hpp"

#include "ptychoscale/base/physics.hpp"
#include "ptychoscale/io/experiment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace ptychoscale {
namespace {

std::string_view transposed_and(bool transposed) { return transposed ? "transposed and " : ""; }

/// By the curl of the deflections, which a thin specimen in or near focus tells.
Check orientation_by_curl(std::string_view what, const Turn& turn) {
  if (!turn.is_other())
    return {what, Verdict::ok,
            fmt::format("the deflections have {:.0f} % curl as they are, {:.0f} % at the least{}",
                        100 * turn.curl_as_is, 100 * turn.curl,
                        turn.is_clear() ? "" : ": they do not tell it")};
  return {what, Verdict::warning,
          fmt::format(
              "the deflections have {:.0f} % curl as they are, {:.0f} % for patterns that are {}turned by "
              "{:.0f} degrees from x towards y, or half a turn more: turn them back, or the positions",
              100 * turn.curl_as_is, 100 * turn.curl, transposed_and(turn.transposed), turn.degrees)};
}

/// By shadow images, which a defocused probe tells, however thick the specimen is.
Check orientation_by_shadows(std::string_view what, const ShadowFit& fit) {
  if (!fit.is_other())
    return {what, Verdict::ok,
            fmt::format("shadow images agree to {:.0f} % as they are, to {:.0f} % in any clearly different "
                        "orientation",
                        100 * fit.agreement, 100 * fit.otherwise)};
  return {what, Verdict::warning,
          fmt::format(
              "shadow images agree to {:.0f} % as they are, to {:.0f} % for patterns that are {}turned by "
              "{:.0f} degrees from x towards y, or half a turn more: turn them back, or the positions",
              100 * fit.as_is, 100 * fit.agreement, transposed_and(fit.transposed), fit.degrees)};
}

/// Patterns turned against the scan reconstruct to nothing, or to a specimen with seams and no reason.
Check check_orientation(const std::optional<Turn>& turn, const std::optional<ShadowFit>& fit) {
  constexpr std::string_view what = "orientation";
  if (fit && fit->is_clear()) return orientation_by_shadows(what, *fit);
  if (turn) return orientation_by_curl(what, *turn);
  return {what, Verdict::ok, "not told by so few positions"};
}

/// C10 in the middle of the specimen, where shadow images see it.
Check check_defocus(const DatasetHeader& h, const std::optional<ShadowFit>& fit) {
  constexpr std::string_view what = "defocus";
  if (!fit || !fit->is_clear())
    return {what, Verdict::ok,
            "not told by the patterns, as in focus, or of a crystal that fits the scan's steps"};
  constexpr double tolerance = 0.25;
  const double half_thickness_A = h.slices * h.slice_thickness_A / 2;
  const double said = h.C10_A + half_thickness_A;
  const auto found = fmt::format("C10 of {:.3g} A in the middle of the specimen makes shadow images agree, "
                                 "{:.3g} A by the header{}",
                                 fit->C10_A, said, fit->is_other() ? ", once they are turned back" : "");
  const double angle = 1e-3 * h.semiangle_mrad;
  const double half_step_A = std::sqrt(h.scan_step_A.y * h.scan_step_A.x) / 2;
  const double focus_A = 1.5 * electron_wavelength_A(h.energy_eV) / (angle * angle); // nearer is in focus
  const double allowed =
      std::max({tolerance * std::abs(said), half_thickness_A, half_step_A / angle, focus_A});
  if (std::abs(fit->C10_A - said) <= allowed) return {what, Verdict::ok, found};
  if (std::abs(fit->C10_A + said) <= allowed)
    return {what, Verdict::warning,
            found + ": is its sign the other, or are the patterns turned by half a turn?"};
  return {what, Verdict::warning, found + ": is it right, and the semi-angle?"};
}

/// Electrons of a pattern over its share of the scan.
Check check_dose(const DatasetHeader& h) {
  constexpr std::string_view what = "dose";
  if (h.dose_e_per_A2 == 0)
    return {what, Verdict::ok, "0 in the header: patterns are taken for free of noise"};
  constexpr double tolerance = 0.1;
  const PixelSize step = h.scattered ? h.scan_step_A : step_of_positions(h);
  const double dose = h.electrons_per_pattern / (step.y * step.x);
  const auto found = fmt::format(
      "{:.4g} electrons per square angstrom by beam and steps, {:.4g} in the header", dose, h.dose_e_per_A2);
  const bool fits = std::abs(dose / h.dose_e_per_A2 - 1) <= tolerance;
  return {what, fits ? Verdict::ok : Verdict::warning,
          found + (fits ? "" : ": is electrons_per_pattern in electrons?")};
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
    : header_(header), deflections_(header.positions_A.size()), mean_(header.detector.area()),
      shadows_(header) {}

void DatasetEstimates::add(int position, std::span<const float> amplitudes) {
  deflections_[static_cast<std::size_t>(position)] = deflection_of(amplitudes, header_);
  for (std::size_t i = 0; i < mean_.size(); ++i)
    mean_[i] += static_cast<double>(std::max(amplitudes[i], 0.0F)) * static_cast<double>(amplitudes[i]);
  shadows_.add(position, amplitudes);
}

std::vector<Check> DatasetEstimates::checks() const {
  const auto disk = disk_of(mean_, header_);
  const auto shadows = shadows_.fit();
  return {check_orientation(turn_of(header_, deflections_), shadows), check_defocus(header_, shadows),
          check_aperture(header_, disk), check_centre(header_, disk), check_dose(header_)};
}

} // namespace ptychoscale
