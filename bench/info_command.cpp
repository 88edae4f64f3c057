#include "build_info.hpp"
#include "case_file.hpp"
#include "commands.hpp"
#include "ending.hpp"
#include "machine.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/physics.hpp"
#include "ptychoscale/compute/backend.hpp"
#include "ptychoscale/io/dataset.hpp"
#include "ptychoscale/io/reconstruction.hpp"
#include "ptychoscale/multislice/optics.hpp"
#include "ptychoscale/simulate/simulation.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <memory>
#include <string>

namespace ptychoscale {
namespace {

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

void print_header(const DatasetHeader& h) {
  line("case", h.case_name);
  line("patterns", fmt::format("{} x {} positions of {} x {} pixels, steps {} x {} A", h.scan.rows,
                               h.scan.columns, h.detector.y, h.detector.x, h.scan_step_A.y, h.scan_step_A.x));
  line("volume", fmt::format("{} x {} x {} voxels [slice][y][x] of {} x {} x {} A", h.slices, h.volume.y,
                             h.volume.x, h.slice_thickness_A, h.pixel.y, h.pixel.x));
  line("optics", fmt::format("{} eV (wavelength {:.9f} A), {} mrad, C10 {} A, C30 {} A, {} aperture",
                             h.energy_eV, electron_wavelength_A(h.energy_eV), h.semiangle_mrad, h.C10_A,
                             h.C30_A, h.soft_aperture ? "soft" : "hard"));
  line("circle", fmt::format("radius {:.3f} A", circle_radius_A({h.energy_eV, h.semiangle_mrad, h.C10_A,
                                                                 h.C30_A, h.soft_aperture})));
  line("dose", h.dose_e_per_A2 > 0 ? fmt::format("{} electrons per square angstrom", h.dose_e_per_A2)
                                   : std::string("no noise"));
  line("seed", fmt::format("{}", h.seed));
  line("specimen", h.specimen_json);
}

void print_case(const std::string& name) {
  const auto c = load_case(name);
  line("description", c.description);
  print_header(make_header(c.simulation));
  line("iterations", fmt::format("{} in a benchmark", c.iterations));
}

void print_dataset(const DatasetReader& dataset) {
  print_header(dataset.header());
  line("truth", dataset.has_truth() ? "yes" : "no");
  line("hash", dataset.content_hash());
}

void print_reconstruction(const ReconstructionReader& r) {
  line("volume", fmt::format("{} x {} x {} voxels [slice][y][x]", r.slices(), r.volume().y, r.volume().x));
  line("mesh", fmt::format("{} x {} ranks", r.mesh().rows, r.mesh().columns));
  line("report", r.report_json());
}

void print_file(const std::string& file) {
  try {
    return print_dataset(DatasetReader(file));
  } catch (const InputError& as_dataset) {
    try {
      return print_reconstruction(ReconstructionReader(file));
    } catch (const InputError&) {
      throw as_dataset;
    }
  }
}

/// What a word names: a file of data, else a case.
void print_about(const std::string& what) {
  if (what.empty()) return print_program();
  std::error_code error;
  const bool is_data = std::filesystem::is_regular_file(what, error) && !what.ends_with(".json");
  return is_data || what.ends_with(".h5") ? print_file(what) : print_case(what);
}

} // namespace

void add_info_command(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand("info", "Describe this program, a case, a dataset or a reconstruction");
  const auto what = std::make_shared<std::string>();
  command->add_option("WHAT", *what,
                      "A dataset or reconstruction, a case by name or file; left out: the program itself");
  command->footer("Examples:\n  ptychoscale info\n  ptychoscale info ci\n  ptychoscale info ci.h5");
  command->callback([&action, what] {
    action = [what](const Invocation&) {
      print_about(*what);
      return exit_ok;
    };
  });
}

} // namespace ptychoscale
