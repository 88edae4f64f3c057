#include "ptychoscale/files/case_file.hpp"

#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/words.hpp"
#include "ptychoscale/files/home.hpp"
#include "ptychoscale/files/json_file.hpp"
#include "ptychoscale/options/choices.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

namespace ptychoscale {
namespace {

namespace fs = std::filesystem;

/// A JSON object that insists: every key is read by its name and type, and `finish` rejects keys nobody asked
/// for.
class Object {
public:
  Object(std::string file, std::string path, const nlohmann::json& json)
      : file_(std::move(file)), path_(std::move(path)), json_(json) {
    if (!json_.is_object())
      throw InputError(fmt::format("{}: {} is {}; valid: an object", file_,
                                   path_.empty() ? "the file" : path_, json_.dump()));
  }

  [[nodiscard]] bool has(const std::string& key) {
    known_.insert(key);
    return json_.contains(key);
  }

  [[nodiscard]] Object object(const std::string& key) { return {file_, full(key), need(key)}; }

  [[nodiscard]] double number(const std::string& key) {
    const auto& value = need(key);
    if (!value.is_number()) wrong(key, value, "a number");
    return value.get<double>();
  }
  [[nodiscard]] double number(const std::string& key, double otherwise) {
    return has(key) ? number(key) : otherwise;
  }
  [[nodiscard]] double positive(const std::string& key) {
    const double value = number(key);
    if (!(value > 0)) wrong(key, need(key), "a number above 0");
    return value;
  }
  [[nodiscard]] int integer(const std::string& key) { return to_int(key, need(key)); }
  [[nodiscard]] int count(const std::string& key) {
    const int value = integer(key);
    if (value < 1) wrong(key, need(key), "a whole number, 1 or more");
    return value;
  }
  [[nodiscard]] std::uint64_t seed(const std::string& key, std::uint64_t otherwise) {
    if (!has(key)) return otherwise;
    const auto& value = need(key);
    if (!value.is_number_unsigned()) wrong(key, value, "a whole number, 0 or more");
    return value.get<std::uint64_t>();
  }
  [[nodiscard]] bool truth(const std::string& key, bool otherwise) {
    if (!has(key)) return otherwise;
    const auto& value = need(key);
    if (!value.is_boolean()) wrong(key, value, "true or false");
    return value.get<bool>();
  }
  [[nodiscard]] std::string text(const std::string& key) {
    const auto& value = need(key);
    if (!value.is_string()) wrong(key, value, "text");
    return value.get<std::string>();
  }
  /// Text that can name files.
  [[nodiscard]] std::string name(const std::string& key) {
    const auto word = text(key);
    if (word.empty() || word.find('/') != std::string::npos)
      wrong(key, need(key), "a name of one character or more, without /");
    return word;
  }
  template <class E> [[nodiscard]] E choice(const std::string& key, const Choices<E>& choices, E otherwise) {
    if (!has(key)) return otherwise;
    const auto word = text(key);
    const auto all = words(choices);
    if (std::find(all.begin(), all.end(), word) == all.end())
      wrong(key, need(key), fmt::format("{}", fmt::join(all, ", ")));
    return meaning(choices, word);
  }
  [[nodiscard]] Extent extent(const std::string& key) {
    const auto& value = pair(key, "two whole numbers [y, x]");
    return {to_int(key, value[0]), to_int(key, value[1])};
  }
  [[nodiscard]] PixelSize lengths(const std::string& key) {
    const auto& value = pair(key, "two numbers [y, x]");
    if (!value[0].is_number() || !value[1].is_number()) wrong(key, value, "two numbers [y, x]");
    return {value[0].get<double>(), value[1].get<double>()};
  }
  [[nodiscard]] std::vector<std::string> keys() const {
    std::vector<std::string> all;
    for (const auto& item : json_.items()) all.push_back(item.key());
    return all;
  }

  void finish() const {
    for (const auto& key : keys())
      if (!known_.contains(key))
        throw InputError(fmt::format(
            "{}: unknown key '{}'; the nearest known here: {}", file_, shortened(full(key), longest_value),
            fmt::join(nearest(shortened(key, longest_value), {known_.begin(), known_.end()}), ", ")));
  }

private:
  [[nodiscard]] std::string full(const std::string& key) const {
    return path_.empty() ? key : path_ + "." + key;
  }
  [[nodiscard]] const nlohmann::json& need(const std::string& key) {
    if (!has(key)) throw InputError(fmt::format("{}: key '{}' is missing", file_, full(key)));
    return json_.at(key);
  }
  [[nodiscard]] const nlohmann::json& pair(const std::string& key, const char* valid) {
    const auto& value = need(key);
    if (!value.is_array() || value.size() != 2) wrong(key, value, valid);
    return value;
  }
  [[nodiscard]] int to_int(const std::string& key, const nlohmann::json& value) const {
    if (!value.is_number_integer() || value.get<double>() > std::numeric_limits<int>::max() ||
        value.get<double>() < std::numeric_limits<int>::min())
      wrong(key, value, "a whole number");
    return value.get<int>();
  }
  [[noreturn]] void wrong(const std::string& key, const nlohmann::json& value, std::string_view valid) const {
    throw InputError(fmt::format("{}: {} is {}; valid: {}", file_, full(key), value.dump(), valid));
  }

  std::string file_;
  std::string path_;
  const nlohmann::json& json_;
  std::set<std::string> known_;
};

const Choices<ScatteringFactors> factors{{"lobato", ScatteringFactors::lobato},
                                         {"kirkland", ScatteringFactors::kirkland}};
const Choices<Thermal> thermals{{"none", Thermal::none},
                                {"debye_waller", Thermal::debye_waller},
                                {"frozen_phonon", Thermal::frozen_phonon}};

SpecimenParameters read_specimen(Object o) {
  SpecimenParameters s;
  s.factors = o.choice("factors", factors, s.factors);
  s.thermal = o.choice("thermal", thermals, s.thermal);
  if (o.has("B_A2")) {
    auto b = o.object("B_A2");
    for (auto& [element, value] : s.B_A2) value = b.number(element, value);
    b.finish();
  }
  s.domain_wall = o.number("domain_wall", s.domain_wall);
  s.vacancy_fraction = o.number("vacancy_fraction", s.vacancy_fraction);
  s.domain_wall_shift_A = o.number("domain_wall_shift_A", s.domain_wall_shift_A);
  s.disorder_A = o.number("disorder_A", s.disorder_A);
  o.finish();
  return s;
}

Conditions read_conditions(Object o) {
  Conditions c;
  c.C10_error_A = o.number("C10_error_A", 0);
  c.position_jitter_A = o.number("position_jitter_A", 0);
  c.source_size_A = o.number("source_size_A", 0);
  c.detector_blur_px = o.number("detector_blur_px", 0);
  o.finish();
  return c;
}

Aberrations read_aberrations(Object o) {
  Aberrations all;
  for (const auto& term : aberration_terms) {
    const std::string name(term.name);
    if (!o.has(name)) continue;
    auto one = o.object(name);
    all.*term.member = {one.number("magnitude_A"), one.number("angle_deg")};
    one.finish();
  }
  o.finish();
  return all;
}

ScanShape read_scan(Object o) {
  const ScanShape scan{o.integer("rows"), o.integer("columns")};
  o.finish();
  return scan;
}

std::map<std::string, double> read_cost_fall(Object o) {
  std::map<std::string, double> falls;
  for (const char* method : {"serial", "gd", "hve", "replicated"})
    if (o.has(method)) falls[method] = o.number(method);
  o.finish();
  return falls;
}

/// Puts those that are given in the place of others.
void read_targets(Object o, std::map<std::string, double>& targets) {
  for (const char* quality : {"relative_rmse", "cost"})
    if (o.has(quality)) targets[quality] = o.positive(quality);
  o.finish();
}

Case read_case(Object o) {
  Case c;
  auto& p = c.simulation;
  p.name = o.name("name");
  c.description = o.text("description");
  p.detector = o.extent("detector");
  p.pixel_A = o.lengths("pixel_A");
  p.volume = o.extent("volume");
  p.slices = o.integer("slices");
  p.slice_thickness_A = o.number("slice_thickness_A", p.slice_thickness_A);
  p.scan = read_scan(o.object("scan"));
  p.scan_step_A = o.lengths("scan_step_A");
  p.energy_eV = o.number("energy_eV", p.energy_eV);
  p.semiangle_mrad = o.number("semiangle_mrad", p.semiangle_mrad);
  p.C10_A = o.number("C10_A", p.C10_A);
  p.C30_A = o.number("C30_A", p.C30_A);
  if (o.has("aberrations")) p.aberrations = read_aberrations(o.object("aberrations"));
  p.soft_aperture = o.truth("soft_aperture", p.soft_aperture);
  p.dose_e_per_A2 = o.number("dose_e_per_A2", p.dose_e_per_A2);
  p.seed = o.seed("seed", p.seed);
  if (o.has("specimen")) p.specimen = read_specimen(o.object("specimen"));
  if (o.has("conditions")) p.conditions = read_conditions(o.object("conditions"));
  if (o.has("iterations")) c.iterations = o.count("iterations");
  if (o.has("cost_fall")) c.cost_fall = read_cost_fall(o.object("cost_fall"));
  c.targets["relative_rmse"] = target_rmse(p.dose_e_per_A2);
  if (o.has("targets")) read_targets(o.object("targets"), c.targets);
  o.finish();
  return c;
}

bool is_path(const std::string& name_or_file) {
  return name_or_file.find('/') != std::string::npos || name_or_file.ends_with(".json");
}

fs::path cases_folder() { return home() / "bench" / "cases"; }

fs::path file_of(const std::string& name_or_file) {
  if (is_path(name_or_file)) return name_or_file;
  const auto names = case_names();
  if (std::find(names.begin(), names.end(), name_or_file) == names.end())
    throw InputError(
        fmt::format("case '{}' is unknown; valid: {}, or the path of a case file ending in .json",
                    name_or_file, fmt::join(names, ", ")));
  return cases_folder() / (name_or_file + ".json");
}

} // namespace

double target_rmse(double dose_e_per_A2) {
  return dose_e_per_A2 > 0 ? std::min(std::hypot(0.05, 30 / std::sqrt(dose_e_per_A2)), 0.65) : 0.05;
}

Case load_case(const std::string& name_or_file) {
  const auto file = file_of(name_or_file);
  const auto json = nlohmann::json::parse(read_json(file, "a case file in JSON"));
  auto c = read_case({file.string(), "", json});
  if (is_path(name_or_file)) c.simulation.file = name_or_file;
  return c;
}

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(cases_folder(), error))
    if (entry.path().extension() == ".json") names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

} // namespace ptychoscale
