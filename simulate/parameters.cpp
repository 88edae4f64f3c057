#include "ptychoscale/simulate/parameters.hpp"

#include "crystal.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/physics.hpp"
#include "ptychoscale/multislice/optics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace ptychoscale {
namespace {

/// Says which field of which case cannot be used.
class FieldCheck {
public:
  explicit FieldCheck(std::string title) : title_(std::move(title)) {}

  void require(bool valid, std::string_view field, double value, std::string_view expected) const {
    if (!valid)
      throw InputError(fmt::format("{}: field '{}' is {}; it must be {}", title_, field, value, expected));
  }
  void positive(std::string_view field, double value) const {
    require(std::isfinite(value) && value > 0, field, value, "positive");
  }
  void not_negative(std::string_view field, double value) const {
    require(std::isfinite(value) && value >= 0, field, value, "zero or positive");
  }
  void finite(std::string_view field, double value) const {
    require(std::isfinite(value), field, value, "a finite number");
  }
  void within(std::string_view field, double value, double lowest, double highest) const {
    require(value >= lowest && value <= highest, field, value, fmt::format("from {} to {}", lowest, highest));
  }

private:
  std::string title_;
};

void check_grid(const FieldCheck& field, const SimulationParameters& p) {
  field.positive("detector.y", p.detector.y);
  field.positive("detector.x", p.detector.x);
  field.positive("pixel_A.y", p.pixel_A.y);
  field.positive("pixel_A.x", p.pixel_A.x);
  field.positive("volume.y", p.volume.y);
  field.positive("volume.x", p.volume.x);
  field.positive("slices", p.slices);
  field.positive("slice_thickness_A", p.slice_thickness_A);
  field.positive("scan.rows", p.scan.rows);
  field.positive("scan.columns", p.scan.columns);
  field.positive("scan_step_A.y", p.scan_step_A.y);
  field.positive("scan_step_A.x", p.scan_step_A.x);
}

void check_optics(const FieldCheck& field, const SimulationParameters& p) {
  field.within("energy_eV", p.energy_eV, 10e3, 1000e3);
  field.positive("semiangle_mrad", p.semiangle_mrad);
  field.finite("C10_A", p.C10_A);
  field.finite("C30_A", p.C30_A);
  field.not_negative("dose_e_per_A2", p.dose_e_per_A2);
  const double largest_mrad =
      1e3 * electron_wavelength_A(p.energy_eV) / (2 * std::max(p.pixel_A.y, p.pixel_A.x));
  field.require(p.semiangle_mrad <= largest_mrad, "semiangle_mrad", p.semiangle_mrad,
                fmt::format("at most {:.4g}, which pixels of {} x {} A can carry", largest_mrad, p.pixel_A.y,
                            p.pixel_A.x));
  const double diameter_A =
      2 * circle_radius_A({p.energy_eV, p.semiangle_mrad, p.C10_A, p.C30_A, p.soft_aperture});
  const auto fits = [&](std::string_view name, int pixels, double pixel_A) {
    field.require(pixels * pixel_A >= diameter_A, name, pixels,
                  fmt::format("at least {:.0f}, so that the probe's circle of {:.4g} A fits the window",
                              std::ceil(diameter_A / pixel_A), diameter_A));
  };
  fits("detector.y", p.detector.y, p.pixel_A.y);
  fits("detector.x", p.detector.x, p.pixel_A.x);
}

void check_specimen(const FieldCheck& field, const SimulationParameters& p) {
  const SpecimenParameters& s = p.specimen;
  for (const auto& [symbol, B_A2] : s.B_A2) {
    const bool known =
        std::any_of(crystal::elements.begin(), crystal::elements.end(),
                    [&, &name = symbol](const auto& element) { return element.symbol == name; });
    if (!known)
      throw InputError(
          fmt::format("{}: field 'specimen.B_A2' names '{}'; PbTiO3 has Pb, Ti and O", title(p), symbol));
    field.not_negative("specimen.B_A2." + symbol, B_A2);
  }
  for (const auto& element : crystal::elements)
    if (s.thermal != Thermal::none && !s.B_A2.contains(element.symbol))
      throw InputError(fmt::format("{}: field 'specimen.B_A2' has no value for {}, which thermal = {} needs",
                                   title(p), element.symbol, name(s.thermal)));
  field.require(s.domain_wall <= 1, "specimen.domain_wall", s.domain_wall,
                "a fraction of the width, 0 to 1, or negative for none");
  field.finite("specimen.domain_wall_shift_A", s.domain_wall_shift_A);
  field.within("specimen.vacancy_fraction", s.vacancy_fraction, 0, 1);
  field.not_negative("specimen.disorder_A", s.disorder_A);
}

} // namespace

Thermal thermal(std::string_view text) {
  for (const auto known : {Thermal::none, Thermal::debye_waller, Thermal::frozen_phonon})
    if (text == name(known)) return known;
  throw InputError(
      fmt::format("thermal motion '{}' is unknown; valid: none, debye_waller, frozen_phonon", text));
}

std::string_view name(Thermal thermal) {
  switch (thermal) {
  case Thermal::none:
    return "none";
  case Thermal::debye_waller:
    return "debye_waller";
  case Thermal::frozen_phonon:
    break;
  }
  return "frozen_phonon";
}

std::string title(const SimulationParameters& parameters) {
  return parameters.file.empty() ? fmt::format("case '{}'", parameters.name) : parameters.file;
}

void check(const SimulationParameters& parameters) {
  const FieldCheck field(title(parameters));
  check_grid(field, parameters);
  check_optics(field, parameters);
  check_specimen(field, parameters);
}

} // namespace ptychoscale
