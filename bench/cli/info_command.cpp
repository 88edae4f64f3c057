#include "commands.hpp"
#include "ending.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/json_text.hpp"
#include "ptychoscale/base/physics.hpp"
#include "ptychoscale/base/words.hpp"
#include "ptychoscale/compute/backend.hpp"
#include "ptychoscale/files/case_file.hpp"
#include "ptychoscale/files/json_file.hpp"
#include "ptychoscale/io/counting_noise.hpp"
#include "ptychoscale/io/dataset.hpp"
#include "ptychoscale/io/masks.hpp"
#include "ptychoscale/io/readers_metadata.hpp"
#include "ptychoscale/io/reconstruction.hpp"
#include "ptychoscale/multislice/optics.hpp"
#include "ptychoscale/record/build_info.hpp"
#include "ptychoscale/record/header_json.hpp"
#include "ptychoscale/record/machine.hpp"
#include "ptychoscale/record/provenance.hpp"
#include "ptychoscale/record/results_table.hpp"
#include "ptychoscale/simulate/simulation.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace ptychoscale {
namespace {

/// Text of other programs' files may be no UTF-8, which JSON must be.
void print_json(const Json& json) {
  fmt::print("{}\n", json.dump(2, ' ', false, Json::error_handler_t::replace));
}

void line(std::string_view title, const std::string& value) { fmt::print("{:<14}{}\n", title, value); }

void print_program() {
  const auto build = build_info();
  const auto machine = this_machine();
  line("ptychoscale",
       fmt::format("{}, commit {}{}", build.version, source_commit(), source_dirty() ? " (dirty)" : ""));
  line("compiler", fmt::format("{}, {}: {}", build.compiler, build.build_type, build.flags));
  line("HDF5", build.hdf5);
  line("MPI", build.mpi);
  for (const auto& name : backend_names())
    line("backend", fmt::format("{}: {}", name,
                                make_backend({.kind = name, .planning = Planning::estimate})->description()));
  line("machine", fmt::format("{}, {}, {} cores", machine.host, machine.cpu, machine.cores));
  for (const auto& name : case_names())
    line("case", fmt::format("{:<14}{}", name, load_case(name).description));
}

Json program_json() {
  const auto machine = this_machine();
  Json backends = Json::array();
  for (const auto& name : backend_names())
    backends.push_back(
        {{"name", name},
         {"description", make_backend({.kind = name, .planning = Planning::estimate})->description()}});
  auto json = provenance("measured");
  json.erase("evidence");
  json["backends"] = backends;
  json["cases"] = case_names();
  json["machine"] = {{"host_name", machine.host},
                     {"cpu", machine.cpu},
                     {"num_cpus", machine.cores},
                     {"threads", default_threads(1)}};
  return json;
}

void print_aberrations(const Aberrations& all) {
  std::vector<std::string> words;
  for_each_aberration(all, [&](const AberrationTerm& term, const Aberration& a) {
    words.push_back(fmt::format("{} {} A at {} degrees", term.name, a.magnitude_A, a.angle_deg));
  });
  if (!words.empty()) line("aberrations", fmt::format("{}", fmt::join(words, ", ")));
}

void print_header(const DatasetHeader& h) {
  line("case", h.case_name);
  const auto positions = h.scattered ? fmt::format("{} scattered", h.positions_A.size())
                                     : fmt::format("{} x {}", h.scan.rows, h.scan.columns);
  line("patterns", fmt::format("{} positions of {} x {} pixels, steps {} x {} A", positions, h.detector.y,
                               h.detector.x, h.scan_step_A.y, h.scan_step_A.x));
  if (const auto hidden = masks_in_words(h)) line("masks", *hidden);
  line("volume", fmt::format("{} x {} x {} voxels [slice][y][x] of {} x {} x {} A", h.slices, h.volume.y,
                             h.volume.x, h.slice_thickness_A, h.pixel.y, h.pixel.x));
  line("optics", fmt::format("{} eV (wavelength {:.9f} A), {} mrad, C10 {} A, C30 {} A, {} aperture",
                             h.energy_eV, electron_wavelength_A(h.energy_eV), h.semiangle_mrad, h.C10_A,
                             h.C30_A, h.soft_aperture ? "soft" : "hard"));
  print_aberrations(h.aberrations);
  line("circle", fmt::format("radius {:.3f} A", circle_radius_A(optics_of(h))));
  line("dose", h.dose_e_per_A2 > 0 ? fmt::format("{} electrons per square angstrom", h.dose_e_per_A2)
                                   : std::string("no noise"));
  if (!h.probe_stored) line("probe", "made from the optics");
  if (probe_modes(h) > 1) line("probe", fmt::format("{} incoherent modes", probe_modes(h)));
  if (h.specimen_json.empty()) return; // measured
  line("seed", fmt::format("{}", h.seed));
  line("specimen", h.specimen_json);
}

Json case_json(const Case& c) {
  return {{"header", header_json(make_header(c.simulation))},
          {"description", c.description},
          {"iterations", c.iterations},
          {"cost_fall", c.cost_fall},
          {"targets", c.targets}};
}

Json dataset_json(const DatasetReader& dataset, bool checked) {
  Json json{{"header", header_json(dataset.header())},
            {"truth", dataset.has_truth()},
            {"hash", dataset.is_sealed() ? Json(dataset.content_hash()) : Json()}};
  if (checked) json["content"] = "as written";
  return json;
}

void print_case(const Case& c) {
  const auto header = make_header(c.simulation); // checks it, so that nothing is printed of a bad one
  line("description", c.description);
  print_header(header);
  line("iterations", fmt::format("{} in a benchmark", c.iterations));
  for (const auto& [quality, value] : c.targets) line("target", fmt::format("{} {:.4g}", quality, value));
  for (const auto& [method, fall] : c.cost_fall)
    line("cost", fmt::format("{} brings it to 1/{} of the empty volume's, or less", method, fall));
}

void print_dataset(const DatasetReader& dataset, bool checked) {
  print_header(dataset.header());
  if (const auto note = py4dstem_note(dataset.header())) line("note", *note);
  line("truth", dataset.has_truth() ? "yes" : "no");
  line("hash", dataset.is_sealed() ? dataset.content_hash()
                                   : "none is stored; `ptychoscale validate dataset --seal` adds it");
  if (checked) line("content", "as it was written");
}

void print_noise(std::optional<double> cost) {
  line("noise", cost ? fmt::format("counting leaves a cost of {:.4g}, as the truth would have it", *cost)
                     : std::string("not known without a dose"));
}

/// Throws InputError when the file does not hold what its hash was made of.
void check_content(const std::string& file, const DatasetReader& dataset) {
  if (!dataset.is_sealed())
    throw InputError(
        fmt::format("--check-content: '{}' has no content hash to hold its content against; valid: "
                    "a dataset that has one, as `ptychoscale validate dataset --seal` adds it",
                    file));
  const auto found = content_hash_of(file);
  if (found != dataset.content_hash())
    throw InputError(fmt::format("'{}': is not what was written: its content hash is {}, but header, "
                                 "patterns and truth give {}; valid: the "
                                 "file as it was when the hash was made, so make or copy it again",
                                 file, dataset.content_hash(), found));
}

void print_reconstruction(const ReconstructionReader& r) {
  line("volume", fmt::format("{} x {} x {} voxels [slice][y][x]", r.slices(), r.volume().y, r.volume().x));
  line("mesh", fmt::format("{} x {} ranks", r.mesh().rows, r.mesh().columns));
  line("report", r.report_json());
}

/// A text that is a report, whatever else ends in .json.
std::optional<std::string> read_report(const std::string& file) {
  const auto text = read_json(file);
  const auto json = Json::parse(text);
  if (!json.is_object() || !json.contains("benchmarks")) return std::nullopt;
  return text;
}

void print_report(const std::string& file, const std::string& text) {
  try {
    fmt::print("{}", results_table(text));
  } catch (const Json::exception& e) {
    throw InputError(
        fmt::format("{}: is no report of ptychoscale: {}", file, shortened(e.what(), 2 * longest_value)));
  }
}

/// What the user wants to know.
struct InfoOptions {
  std::string what;
  bool as_json = false;
  bool check_content = false;
  bool counting_noise = false;
};

void print_data(const InfoOptions& o) {
  std::optional<DatasetReader> dataset;
  try {
    dataset.emplace(o.what);
  } catch (const InputError& as_dataset) {
    std::optional<ReconstructionReader> reconstruction;
    try {
      reconstruction.emplace(o.what);
      if (o.check_content || o.counting_noise) throw as_dataset; // a reconstruction has neither
    } catch (const InputError&) {
      throw as_dataset;
    }
    check_json(reconstruction->report_json(), fmt::format("{}: its report", o.what));
    return o.as_json ? print_json(Json::parse(reconstruction->report_json()))
                     : print_reconstruction(*reconstruction);
  }
  if (o.check_content) check_content(o.what, *dataset);
  const auto noise = o.counting_noise ? cost_of_counting_noise(*dataset) : std::nullopt;
  if (!o.as_json) {
    print_dataset(*dataset, o.check_content);
    if (o.counting_noise) print_noise(noise);
    return;
  }
  auto json = dataset_json(*dataset, o.check_content);
  if (o.counting_noise) json["cost_of_counting_noise"] = noise ? Json(*noise) : Json();
  print_json(json);
}

bool is_file(const std::string& what) {
  std::error_code error;
  return std::filesystem::is_regular_file(what, error);
}

/// What a word names: the program, a report, a file of data, else a case.
void print_about(const InfoOptions& o) {
  if (o.what.empty()) return o.as_json ? print_json(program_json()) : print_program();
  const bool ends_as_json = o.what.ends_with(".json");
  if (o.check_content || o.counting_noise || o.what.ends_with(".h5") || (is_file(o.what) && !ends_as_json))
    return print_data(o);
  if (is_file(o.what))
    if (const auto report = read_report(o.what))
      return o.as_json ? fmt::print("{}", *report) : print_report(o.what, *report);
  const auto c = load_case(o.what);
  return o.as_json ? print_json(case_json(c)) : print_case(c);
}

} // namespace

void add_info_command(CLI::App& app, Action& action) {
  auto* command =
      app.add_subcommand("info", "Describe this program, a case, a dataset, a reconstruction or a report");
  const auto o = std::make_shared<InfoOptions>();
  auto* word = command->add_option(
      "WHAT", o->what,
      "A dataset, reconstruction or report, a case by name or file; left out: the program itself");
  command->add_flag("--json", o->as_json, "For programs: the same, or what a file says of itself, as JSON");
  command
      ->add_flag("--check-content", o->check_content,
                 "Also read all of a dataset, and fail unless it holds what its content hash was made of")
      ->needs(word);
  command
      ->add_flag(
          "--counting-noise", o->counting_noise,
          "Also read all patterns of a dataset, and say which cost counting noise alone leaves of them")
      ->needs(word);
  command->footer("Examples:\n  ptychoscale info\n  ptychoscale info ci\n  ptychoscale info ci.h5\n  "
                  "ptychoscale info ci.h5 --check-content\n  ptychoscale info demo/report.json");
  command->callback([&action, o] {
    action = [o](const Invocation&) {
      print_about(*o);
      return exit_ok;
    };
  });
}

} // namespace ptychoscale
