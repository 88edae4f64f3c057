#include "ptychoscale/record/header_json.hpp"

#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/json_text.hpp"
#include "ptychoscale/io/masks.hpp"

namespace ptychoscale {
namespace {

/// The specimen's parameters; as text where another program has written something else.
Json specimen_of(const DatasetHeader& h) {
  if (h.specimen_json.empty()) return {};
  try {
    check_json(h.specimen_json, "specimen");
    return Json::parse(h.specimen_json);
  } catch (const InputError&) {
    return h.specimen_json;
  }
}

} // namespace

Json header_json(const DatasetHeader& h) {
  Json json{{"case", h.case_name},
            {"scan", {h.scan.rows, h.scan.columns}},
            {"scan_step_A", {h.scan_step_A.y, h.scan_step_A.x}},
            {"detector", {h.detector.y, h.detector.x}},
            {"pixel_A", {h.pixel.y, h.pixel.x}},
            {"volume", {h.volume.y, h.volume.x}},
            {"slices", h.slices},
            {"slice_thickness_A", h.slice_thickness_A},
            {"energy_eV", h.energy_eV},
            {"semiangle_mrad", h.semiangle_mrad},
            {"C10_A", h.C10_A},
            {"C30_A", h.C30_A},
            {"soft_aperture", h.soft_aperture},
            {"dose_e_per_A2", h.dose_e_per_A2},
            {"seed", h.seed},
            {"specimen", specimen_of(h)}};
  for_each_aberration(h.aberrations, [&](const AberrationTerm& term, const Aberration& a) {
    json["aberrations"][std::string(term.name)] = {{"magnitude_A", a.magnitude_A},
                                                   {"angle_deg", a.angle_deg}};
  });
  if (h.scattered) json["scattered"] = true;
  add_masks(json, h);
  return json;
}

void add_masks(Json& json, const DatasetHeader& h) {
  if (const int pixels = pixels_without_weight(h); pixels > 0) json["pixels_without_weight"] = pixels;
  if (const int patterns = patterns_left_out(h); patterns > 0) json["patterns_left_out"] = patterns;
}

} // namespace ptychoscale
