#include "commands.hpp"
#include "ending.hpp"
#include "ptychoscale/compute/backend.hpp"
#include "ptychoscale/golden/golden.hpp"
#include "ptychoscale/io/dataset.hpp"
#include "ptychoscale/options/backend_options.hpp"
#include "threads.hpp"
#include "validate_dataset.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace ptychoscale {
namespace {

struct GoldenOptions {
  std::vector<std::string> files;
  BackendOptions backend;
};

/// Whether every error is within its limit.
bool validate_golden_file(const std::string& file, Backend& backend) {
  const auto checks = check_golden(file, backend);
  fmt::print("{}\n{:<36}{:>12}{:>12}\n", file, "relative error of", "found", "limit");
  for (const auto& c : checks)
    fmt::print("{:<36}{:>12.2e}{:>12.0e}  {}\n", c.what, c.error, c.limit, c.passed() ? "ok" : "TOO LARGE");
  const auto over = std::count_if(checks.begin(), checks.end(), [](const auto& c) { return !c.passed(); });
  fmt::print("{} of {} within their limits\n", checks.size() - static_cast<std::size_t>(over), checks.size());
  return over == 0;
}

int validate_golden(const GoldenOptions& options) {
  auto chosen = options.backend;
  chosen.threads = ready_threads(0, nullptr);
  chosen.planning = Planning::estimate;
  const auto backend = make_backend(chosen);
  bool passed = true;
  for (const auto& file : options.files) passed = validate_golden_file(file, *backend) && passed;
  return passed ? exit_ok : exit_failed;
}

void add_golden(CLI::App& command, Action& action) {
  auto* golden = command.add_subcommand(
      "golden", "Probe, waves, patterns, potential, cost and gradient against golden files");
  const auto o = std::make_shared<GoldenOptions>();
  golden->add_option("FILE", o->files, "Golden files; every parameter is taken from them")->required();
  add_backend_options(*golden, o->backend);
  golden->footer("Example:\n  ptychoscale validate golden validation/golden/*.h5");
  golden->callback([&action, o] { action = [o](const Invocation&) { return validate_golden(*o); }; });
}

void add_dataset(CLI::App& command, Action& action) {
  auto* dataset = command.add_subcommand(
      "dataset",
      "A dataset's content hash, sums of patterns, empty and dim ones, hot pixels, overlap of the "
      "circles, positions and what other programs read of it; how patterns seem to be turned, their "
      "defocus with its sign, aperture, centre and dose");
  struct Options {
    std::string file;
    bool seal = false;
    bool seal_only = false;
  };
  const auto o = std::make_shared<Options>();
  dataset->add_option("FILE", o->file, "A dataset, HDF5; all of it is read")->required();
  auto* only = dataset->add_flag("--seal-only", o->seal_only,
                                 "Add the content hash and judge nothing but the header, for programs that "
                                 "have looked at the patterns; one reading instead of three");
  dataset
      ->add_flag("--seal", o->seal,
                 "Add the content hash to a sound dataset of another program, so that runs need not make it, "
                 "and later changes show")
      ->excludes(only);
  dataset->footer(
      "One table: what is sound, what is a warning, what failed. Exit code 0: sound, perhaps with "
      "warnings; 1: a check failed; 2: no dataset. The layout is in solvers/io/README.md.\nExamples:\n  "
      "ptychoscale validate dataset ci.h5\n  ptychoscale validate dataset mine.h5 --seal");
  dataset->callback([&action, o] {
    action = [o](const Invocation&) {
      if (o->seal_only) {
        fmt::print("{}\n", seal(o->file));
        return static_cast<int>(exit_ok);
      }
      return validate_dataset(o->file, o->seal ? Sealing::when_sound : Sealing::never);
    };
  });
}

} // namespace

void add_validate_command(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand("validate", "Compare the program with independent references, or look "
                                                 "for faults in a dataset; exit code 1 when a check fails");
  command->require_subcommand(1);
  add_golden(*command, action);
  add_dataset(*command, action);
}

} // namespace ptychoscale
