#include "ptychoscale/simulate/parameters.hpp"

#include "crystal.hpp"
#include "header_fields.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/io/experiment.hpp"

#include <fmt/format.h>

#include <algorithm>
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
  void within(std::string_view field, double value, double lowest, double highest) const {
    require(value >= lowest && value <= highest, field, value, fmt::format("from {} to {}", lowest, highest));
  }

private:
  std::string title_;
};

void check_specimen(const FieldCheck& field, const SimulationParameters& p) {
  const SpecimenParameters& s = p.specimen;
  for (const auto& [symbol, B_A2] : s.B_A2) {
    const bool known =
        std::any_of(crystal::elements.begin(), crystal::elements.end(),
                    [&, &name = symbol](const auto& element) { return element.symbol == name; });
    if (!known)
      throw InputError(
          fmt::format("{}: field 'specimen.B_A2' names '{}'; PbTiO3 has Pb, Ti and O", title(p), symbol));
    field.within("specimen.B_A2." + symbol, B_A2, 0, 100);
  }
  for (const auto& element : crystal::elements)
    if (s.thermal != Thermal::none && !s.B_A2.contains(element.symbol))
      throw InputError(fmt::format("{}: field 'specimen.B_A2' has no value for {}, which thermal = {} needs",
                                   title(p), element.symbol, name(s.thermal)));
  field.require(s.domain_wall >= -1 && s.domain_wall <= 1, "specimen.domain_wall", s.domain_wall,
                "a fraction of the width, 0 to 1, or -1 for none");
  field.within("specimen.domain_wall_shift_A", s.domain_wall_shift_A, -100, 100);
  field.within("specimen.vacancy_fraction", s.vacancy_fraction, 0, 1);
  field.within("specimen.disorder_A", s.disorder_A, 0,
               crystal::c_A); // beyond a cell nothing is left of the crystal
}

void check_conditions(const FieldCheck& field, const SimulationParameters& p) {
  const Conditions& c = p.conditions;
  field.within("conditions.C10_error_A", c.C10_error_A, -10000, 10000);
  field.within("conditions.position_jitter_A", c.position_jitter_A, 0,
               std::max(p.scan_step_A.y, p.scan_step_A.x)); // further, and the scan is another one
  field.within("conditions.source_size_A", c.source_size_A, 0, std::max(p.scan_step_A.y, p.scan_step_A.x));
  field.within("conditions.detector_blur_px", c.detector_blur_px, 0,
               std::min(p.detector.y, p.detector.x) / 6.0);
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
  if (const auto wrong = first_out_of_range(header_fields(parameters)))
    field.require(false, wrong->field, wrong->value, wrong->expected);
  check_specimen(field, parameters);
  check_conditions(field, parameters);
}

} // namespace ptychoscale
