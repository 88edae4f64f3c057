#include "assessment.hpp"
#include "choices.hpp"
#include "commands.hpp"
#include "ending.hpp"
#include "interruption.hpp"
#include "machine.hpp"
#include "output_file.hpp"
#include "progress.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/physics.hpp"
#include "ptychoscale/io/dataset.hpp"
#include "ptychoscale/io/reconstruction.hpp"
#include "ptychoscale/reconstruct/reconstruct.hpp"
#include "report.hpp"
#include "results_table.hpp"
#include "wisdom_file.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ptychoscale {
namespace {

const Choices<Method> methods{{"serial", Method::serial}, {"gd", Method::gd}, {"hve", Method::hve}};
const Choices<UpdateRule> updates{
    {"as_printed", UpdateRule::as_printed}, {"once", UpdateRule::once}, {"batch", UpdateRule::batch}};
const Choices<ExchangeKind> exchanges{{"appp", ExchangeKind::appp},
                                      {"passes", ExchangeKind::passes},
                                      {"neighbours", ExchangeKind::neighbours},
                                      {"allreduce", ExchangeKind::allreduce}};
const Choices<HaloFill> fills{
    {"paste", HaloFill::paste}, {"mean", HaloFill::mean}, {"never", HaloFill::never}};
const Choices<GridKind> grids{{"window", GridKind::window}, {"tile", GridKind::tile}};
const Choices<Adjoint> adjoints{
    {"store", Adjoint::store}, {"checkpoint", Adjoint::checkpoint}, {"reverse", Adjoint::reverse}};
const Choices<Bandwidth> bandwidths{{"none", Bandwidth::none}, {"two_thirds", Bandwidth::two_thirds}};
const Choices<bool> measurement_places{{"resident", false}, {"stream", true}};

/// What the user asked for; the words of choices are still text.
struct ReconstructOptions {
  std::filesystem::path dataset;
  std::filesystem::path output;
  std::string json;
  std::filesystem::path wisdom = default_wisdom_file();
  std::string backend = "cpu";
  int threads = 0;
  std::string rounds = "1";
  std::string mesh;
  std::optional<double> halo_pm;
  ReconstructionOptions solver;
};

/// A whole number of 1 or more; 0 for any other text.
int positive_number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::max(value, 0) : 0;
}

std::optional<Mesh> read_mesh(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const auto x = std::min(text.find('x'), text.size() - 1);
  const Mesh mesh{positive_number(text.substr(0, x)), positive_number(text.substr(x + 1))};
  if (mesh.rows == 0 || mesh.columns == 0)
    throw InputError(fmt::format("--mesh: '{}'; valid: ROWSxCOLUMNS, for example 2x3", text));
  return mesh;
}

int read_rounds(const std::string& text) {
  if (text == "max") return 0;
  const int rounds = positive_number(text);
  if (rounds == 0)
    throw InputError(
        fmt::format("--rounds: '{}'; valid: 1 or more, or max for one exchange per position", text));
  return rounds;
}

ReconstructionOptions solver_options(const ReconstructOptions& options) {
  auto solver = options.solver;
  solver.mesh = read_mesh(options.mesh);
  solver.rounds = read_rounds(options.rounds);
  if (options.halo_pm) solver.halo_A = *options.halo_pm / 100;
  if (solver.adjoint == Adjoint::reverse && solver.bandwidth == Bandwidth::two_thirds)
    throw InputError(
        "--adjoint: reverse needs --bandwidth none, since a limited wave cannot be run backwards; valid with "
        "two_thirds: store, checkpoint");
  return solver;
}

/// Four float32 volumes (phase, potential, and PtyRAD's phase and amplitude), and room for the rest.
std::int64_t reconstruction_bytes(const DatasetHeader& h) {
  return 16 * static_cast<std::int64_t>(h.slices) * static_cast<std::int64_t>(h.volume.area()) + (1 << 20);
}

void check_outputs(const ReconstructOptions& options, const DatasetHeader& header) {
  check_output(options.output, reconstruction_bytes(header));
  if (!options.json.empty() && options.json != "-") check_output(options.json, 1 << 20);
  std::error_code error;
  if (std::filesystem::equivalent(options.output, options.dataset, error))
    throw InputError(fmt::format("{}: is the dataset; choose another output", options.output.string()));
}

/// Backend with what FFTW learned before; only rank 0 reads the file, the solver shares it.
std::unique_ptr<Backend> ready_backend(const ReconstructOptions& options, const Communicator& comm,
                                       int threads) {
  auto backend = make_backend({.kind = options.backend,
                               .threads = threads,
                               .planning = Planning::measure,
                               .local_rank = comm.local_rank()});
  if (comm.rank() == 0) load_wisdom(*backend, options.wisdom);
  return backend;
}

std::vector<RankPlace> gather_places(const Communicator& comm) {
  const auto hosts = comm.gather(this_machine().host, 0);
  const auto cores = comm.gather(core_binding(), 0);
  std::vector<RankPlace> places;
  for (std::size_t r = 0; r < hosts.size(); ++r) places.push_back({hosts[r], cores[r]});
  return places;
}

Reconstruction solve(const Communicator& comm, Backend& backend, const DatasetReader& dataset,
                     const ReconstructionOptions& options) {
  Progress progress(std::string(name(options.method)), "iterations", options.iterations, 0, comm.rank() == 0);
  const ReconstructionHooks hooks{
      .on_iteration = [&](int iteration, double cost,
                          double) { progress.advance_to(iteration + 1, fmt::format(", cost {:.4g}", cost)); },
      .interrupted = [] { return interrupted(); }};
  return reconstruct(comm, backend, dataset, options, hooks);
}

void write(const ReconstructOptions& options, const Communicator& comm, Backend& backend,
           const RunReport& report) {
  const auto& tile = report.result.tiling.tiles[static_cast<std::size_t>(comm.rank())];
  const auto area = tile.extended.extent().area();
  const auto read_tile = [&](int slice, std::span<float> out) {
    backend.to_host(out.data(), report.result.volume.data() + static_cast<std::size_t>(slice) * area,
                    out.size_bytes());
  };
  const auto& header = report.dataset.header();
  const ReconstructionInfo info{.sigma = interaction_parameter(header.energy_eV),
                                .cost_per_iteration = report.result.cost,
                                .report_json =
                                    comm.rank() == 0 ? report_json(report, ReportDetail::reproducible) : ""};
  write_reconstruction(options.output, comm, header, report.result.tiling, read_tile, info);
}

void tell(const ReconstructOptions& options, RunReport& report) {
  if (report.dataset.has_truth())
    report.assessment = Assessment{assess_quality(options.output, report.dataset),
                                   assess_seams(options.output, report.dataset, options.output)};
  const auto json = report_json(report, ReportDetail::full);
  if (options.json == "-") {
    fmt::print("{}", json);
    return;
  }
  if (!options.json.empty()) write_text(options.json, json);
  fmt::print("{}", results_table(json));
}

int reconstruct_dataset(const ReconstructOptions& options, const Invocation& call) {
  const auto& comm = *call.comm;
  const int threads = options.threads > 0 ? options.threads : default_threads(comm.local_size());
  std::optional<DatasetReader> dataset;
  std::unique_ptr<Backend> backend;
  ReconstructionOptions solver;
  comm.agree([&] {
    solver = solver_options(options);
    dataset.emplace(options.dataset);
    if (comm.rank() == 0) check_outputs(options, dataset->header());
    backend = ready_backend(options, comm, threads);
  });
  watch_for_interruption();
  const auto result = solve(comm, *backend, *dataset, solver);
  if (comm.rank() == 0) save_wisdom(*backend, options.wisdom);

  const auto description = backend->description();
  RunReport report{.argv = call.argv,
                   .dataset_file = options.dataset,
                   .dataset = *dataset,
                   .options = solver,
                   .result = result,
                   .backend = description,
                   .threads = threads,
                   .places = gather_places(comm),
                   .assessment = std::nullopt};
  write(options, comm, *backend, report);
  comm.agree([&] {
    if (comm.rank() == 0) tell(options, report);
    if (!verified(result))
      throw RunError(
          fmt::format("{}: the cost did not fall; try a smaller --step", options.dataset.string()));
  });
  return exit_ok;
}

/// Adds an option that takes one of a few words.
template <class E>
void add_choice(CLI::App& command, const std::string& flag, E& target, const Choices<E>& choices,
                const std::string& help) {
  command
      .add_option_function<std::string>(
          flag, [&target, &choices](const std::string& word) { target = meaning(choices, word); }, help)
      ->check(CLI::IsMember(words(choices)))
      ->default_str(word_for(choices, target));
}

void add_solver_options(CLI::App& command, ReconstructOptions& o) {
  auto& s = o.solver;
  add_choice(command, "--method", s.method, methods,
             "serial: one rank; gd: Gradient Decomposition; hve: Halo Voxel Exchange");
  command.add_option("--iterations", s.iterations, "Sweeps over all positions")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("--step", s.step, "Step size alpha in (V A)^2; left out: one that converges")
      ->check(CLI::PositiveNumber);
  command.add_option("--mesh", o.mesh, "Ranks over the specimen, ROWSxCOLUMNS; left out: the squarest tiles");
  command.add_option("--halo-pm", o.halo_pm, "Halo in picometre; left out: what the positions' circles need")
      ->check(CLI::NonNegativeNumber);
  add_choice(command, "--grid", s.grid, grids,
             "Where waves propagate: a detector-sized window, or the rank's whole tile");
  add_choice(command, "--adjoint", s.adjoint, adjoints,
             "Waves for the gradient: kept, partly kept, or run backwards");
  add_choice(command, "--bandwidth", s.bandwidth, bandwidths,
             "Bandwidth limit of transmission and propagation");
  add_choice(command, "--measurements", s.stream_measurements, measurement_places,
             "Patterns in memory, or read from the file as needed");
}

void add_gd_options(CLI::App& command, ReconstructOptions& o) {
  auto& s = o.solver;
  add_choice(command, "--update", s.update, updates,
             "gd: own gradients count twice, once, or only in the exchange");
  command.add_option("--rounds", o.rounds, "gd: exchanges per iteration; max: one per position")
      ->capture_default_str();
  add_choice(command, "--exchange", s.exchange, exchanges,
             "gd: pipelined passes, blocking passes, 8 neighbours, or one global sum");
}

void add_hve_options(CLI::App& command, ReconstructOptions& o) {
  auto& s = o.solver;
  command
      .add_option("--extra-rows", s.extra_rows,
                  "hve: rows of the neighbours' positions repeated on each side")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  add_choice(command, "--halo-fill", s.halo_fill, fills, "hve: what a halo becomes at an exchange");
  command.add_option("--paste-every", s.paste_every, "hve: iterations between exchanges")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
}

void add_run_options(CLI::App& command, ReconstructOptions& o) {
  command.add_option("--backend", o.backend, "What computes")
      ->check(CLI::IsMember(backend_names()))
      ->capture_default_str();
  command
      .add_option("--threads", o.threads, "Threads per rank; 0: the machine's cores shared among its ranks")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command
      .add_option("--fftw-wisdom", o.wisdom,
                  "What FFTW learned in earlier runs; with it the same command gives the same bytes")
      ->capture_default_str();
  command.add_option("--json", o.json, "Also write the full report here; - prints it instead of the table");
}

} // namespace

void add_reconstruct_command(CLI::App& app, Action& action) {
  auto* command =
      app.add_subcommand("reconstruct", "Recover the potential from a dataset and measure the run");
  const auto o = std::make_shared<ReconstructOptions>();
  command->add_option("DATASET", o->dataset, "A dataset of `ptychoscale simulate`, or another in that layout")
      ->required();
  command->add_option("-o,--output", o->output, "The reconstruction to write, HDF5")->required();
  add_solver_options(*command, *o);
  add_gd_options(*command, *o);
  add_hve_options(*command, *o);
  add_run_options(*command, *o);
  command->footer(
      "Examples:\n"
      "  ptychoscale reconstruct ci.h5 --method serial -o serial.h5\n"
      "  mpirun -n 4 ptychoscale reconstruct ci.h5 --method gd --iterations 20 -o gd.h5 --json gd.json\n"
      "  mpirun -n 4 ptychoscale reconstruct ci.h5 --method hve --paste-every 2 -o hve.h5");
  command->callback(
      [&action, o] { action = [o](const Invocation& call) { return reconstruct_dataset(*o, call); }; });
}

} // namespace ptychoscale
