#include "commands.hpp"
#include "ending.hpp"
#include "interruption.hpp"
#include "memory_check.hpp"
#include "progress.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/physics.hpp"
#include "ptychoscale/files/case_file.hpp"
#include "ptychoscale/files/output_file.hpp"
#include "ptychoscale/files/wisdom_file.hpp"
#include "ptychoscale/io/dataset.hpp"
#include "ptychoscale/io/experiment.hpp"
#include "ptychoscale/io/masks.hpp"
#include "ptychoscale/io/output_lock.hpp"
#include "ptychoscale/io/pattern_sums.hpp"
#include "ptychoscale/io/reconstruction.hpp"
#include "ptychoscale/options/backend_options.hpp"
#include "ptychoscale/options/number_options.hpp"
#include "ptychoscale/options/solver_options.hpp"
#include "ptychoscale/reconstruct/reconstruct.hpp"
#include "ptychoscale/record/assessment.hpp"
#include "ptychoscale/record/quality_over_time.hpp"
#include "ptychoscale/record/report.hpp"
#include "ptychoscale/record/results_table.hpp"
#include "resumption.hpp"
#include "threads.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ptychoscale {
namespace {

/// What the user asked for.
struct ReconstructOptions {
  std::filesystem::path dataset;
  std::string case_name;
  std::filesystem::path output;
  std::string json;
  std::filesystem::path wisdom = default_wisdom_file();
  BackendOptions backend;
  int threads = 0;
  std::optional<int> as_rank;
  int of = 0;
  SolverOptions solver;
  CheckpointOptions checkpoints;
  int quality_every = 0;
};

/// That the report can be written, and over none of the inputs.
void check_report(const ReconstructOptions& options) {
  check_json(options.json);
  check_apart({"--json", options.json}, {{"DATASET", options.dataset}, {"--fftw-wisdom", options.wisdom}});
}

std::uintmax_t output_bytes(const ReconstructOptions& options, const DatasetHeader& header, int ranks) {
  const auto& chosen = options.solver.chosen;
  return reconstruction_bytes(header, chosen.probe_modes, chosen.iterations, ranks);
}

void check_outputs(const ReconstructOptions& options, const DatasetHeader& header, int ranks) {
  check_output(options.output, static_cast<std::int64_t>(output_bytes(options, header, ranks)));
  check_apart({"--output", options.output},
              {{"DATASET", options.dataset}, {"--json", options.json}, {"--fftw-wisdom", options.wisdom}});
  check_report(options);
}

/// The output is this run's from before the first iteration to its end, so that of two runs on one file the
/// second ends at once.
OutputLock lock_output(const std::filesystem::path& output) {
  OutputLock lock(output);
  if (!lock.effective())
    fmt::print(
        stderr,
        "ptychoscale: warning: {}: its file system has no locks; nothing keeps another run from writing it\n",
        output.string());
  return lock;
}

std::unique_ptr<Backend> new_backend(const ReconstructOptions& options, const ReconstructionOptions& solver,
                                     const Communicator& comm, int threads) {
  auto chosen = options.backend;
  chosen.threads = threads;
  chosen.local_rank = comm.local_rank();
  chosen.mpi_takes_device_memory = Communicator::takes_device_memory();
  chosen.savings = memory_savings(solver, chosen.kind == "cuda" ? OnGpu::yes : OnGpu::no);
  return make_backend(chosen);
}

/// What FFTW learned before; only one process reads the file, the solver shares it. A run that goes on keeps
/// to what it knew when it began.
void learn(Backend& backend, const ReconstructOptions& options, const Communicator& comm,
           const Checkpoint* resume) {
  if (!comm.leads()) return;
  if (resume && !resume->shared.planning.empty()) backend.learn_planning(resume->shared.planning);
  load_wisdom(backend, options.wisdom);
}

/// All ranks' places, on rank 0 or on the one that is alone.
std::vector<RankPlace> gather_places(const Communicator& comm, const RankPlace& mine) {
  std::vector<RankPlace> places;
  for (const auto& text : comm.gather(to_text(mine), 0)) places.push_back(place_from(text));
  return places;
}

int fewest_threads(const std::vector<RankPlace>& places, int mine) {
  for (const auto& place : places) mine = std::min(mine, place.threads);
  return mine;
}

void warn_of(const Acquisition& acquisition, const std::optional<std::string>& complaint) {
  if (complaint)
    warn(acquisition.name.empty() ? *complaint : fmt::format("{}: {}", acquisition.name, *complaint));
}

void tell_of_overlap(const Acquisition& acquisition) {
  warn_of(acquisition, complaint_of_overlap(acquisition.header));
}

void tell_of_patterns(const Acquisition& acquisition, const PatternFindings& found) {
  for (const auto complaint : {complaint_of_dead, complaint_of_dim, complaint_of_hot})
    warn_of(acquisition, complaint(found, acquisition.header));
}

/// What a run does beside its iterations.
struct Beside {
  const CheckpointPolicy* checkpoints = nullptr;
  const Checkpoint* resume = nullptr;
  const QualityOverTime* quality = nullptr;
  int quality_every = 1;
};

Reconstruction solve(const Communicator& comm, Backend& backend, const Acquisition& acquisition,
                     const ReconstructionPlan& plan, const ReconstructionOptions& options,
                     const Beside& beside = {}) {
  const auto* checkpoints = beside.checkpoints;
  const auto* resume = beside.resume;
  if (comm.leads()) tell_of_overlap(acquisition);
  const int finished = resume ? static_cast<int>(resume->shared.cost.size()) : 0;
  Progress progress(std::string(name(options.method)), "iterations", options.iterations, finished,
                    comm.leads());
  ReconstructionHooks hooks{
      .on_iteration = [&](int iteration, double cost,
                          double) { progress.advance_to(iteration + 1, fmt::format(", cost {:.4g}", cost)); },
      .interrupted =
          [checkpoints] { // what asks for a checkpoint does not interrupt
            return checkpoints ? raised(SIGINT) && !checkpoints->stop_asked() : interrupted();
          },
      .on_patterns = [&](const PatternFindings& found) { tell_of_patterns(acquisition, found); },
      .checkpoints = checkpoints,
      .resume = resume};
  if (beside.quality)
    hooks.measure_closeness = [beside, last = options.iterations](int done, const Buffer<float>& volume) {
      const bool due = done % beside.quality_every == 0 || done == last;
      return due ? beside.quality->measure(volume) : std::nullopt;
    };
  return reconstruct(comm, backend, acquisition, plan, options, hooks);
}

void write(const ReconstructOptions& options, const Communicator& comm, Backend& backend,
           const RunReport& report) {
  const auto& tile = report.plan.tiling.tiles[static_cast<std::size_t>(comm.rank())];
  const auto area = tile.extended.extent().area();
  const auto read_tile = [&](int slice, std::span<float> out) {
    backend.to_host(out.data(), report.result.volume.data() + static_cast<std::size_t>(slice) * area,
                    out.size_bytes());
  };
  const ReconstructionInfo info{.sigma = interaction_parameter(report.header.energy_eV),
                                .cost_per_iteration = report.result.cost,
                                .report_json =
                                    comm.rank() == 0 ? report_json(report, ReportDetail::reproducible) : "",
                                .probe = report.result.probe};
  write_reconstruction(options.output, comm, report.header, report.plan.tiling, read_tile, info);
}

void tell(const ReconstructOptions& options, const RunReport& report) {
  const auto json = report_json(report, ReportDetail::full);
  if (!deliver_json(options.json, json)) fmt::print("{}", results_table(json));
}

void check_quality(const ReconstructOptions& options, const DatasetReader& dataset) {
  if (options.quality_every > 0 && !dataset.has_truth())
    throw InputError(
        fmt::format("--quality-every: {} has no truth to compare with; leave it out", dataset.name()));
}

/// A file that does not say its own is read by one rank, to the end.
std::string content_hash_on_all(const Communicator& comm, const DatasetReader& dataset) {
  std::string hash;
  comm.agree([&] {
    if (comm.leads() || dataset.is_sealed()) hash = dataset.content_hash();
  });
  if (!dataset.is_sealed()) comm.broadcast(hash, 0);
  return hash;
}

int reconstruct_dataset(const ReconstructOptions& options, const Communicator& comm,
                        const std::vector<std::string>& argv) {
  const int threads = ready_threads(options.threads, &comm);
  std::optional<DatasetReader> dataset;
  std::unique_ptr<Backend> backend;
  ReconstructionOptions solver;
  ReconstructionPlan plan;
  std::optional<OutputLock> lock;
  auto policy = checkpoint_policy(options.checkpoints, options.output);
  if (policy) watch_for_stop();
  comm.agree([&] {
    solver = resolve(options.solver);
    dataset.emplace(options.dataset);
    if (comm.rank() == 0) check_outputs(options, dataset->header(), comm.size());
    check_quality(options, *dataset);
    plan = plan_reconstruction(dataset->header(), solver, comm.size());
    if (policy && comm.rank() == 0)
      check_room(options.checkpoints, options.output, output_bytes(options, dataset->header(), comm.size()),
                 checkpoint_bytes(plan, solver, dataset->header().slices));
  });
  if (options.backend.kind == "cpu") check_memory(comm, dataset->header(), solver, plan, threads);
  comm.agree([&] { backend = new_backend(options, solver, comm, threads); });
  comm.agree([&] {
    if (comm.rank() == 0) lock.emplace(lock_output(options.output));
  });
  const auto description = backend->description();
  const auto hash = content_hash_on_all(comm, *dataset);
  const auto conditions = conditions_of(solver, plan, options.backend, description, options.dataset, hash);
  if (policy) policy->conditions = conditions;
  const auto resume =
      checkpoint_to_resume(comm, options.checkpoints, options.output, conditions, solver.iterations);
  comm.agree([&] { learn(*backend, options, comm, resume ? &*resume : nullptr); });
  watch_for_interruption();
  std::optional<QualityOverTime> quality;
  if (options.quality_every > 0) quality.emplace(comm, *backend, *dataset, plan.tiling);
  const auto before = sample_load();
  Reconstruction result;
  try {
    result = solve(comm, *backend, acquisition_of(*dataset), plan, solver,
                   {policy ? &*policy : nullptr, resume ? &*resume : nullptr, quality ? &*quality : nullptr,
                    options.quality_every});
  } catch (const Stopped& stopped) {
    return end_stopped(comm, stopped, options.output, solver.iterations);
  }
  const auto places = gather_places(comm, place_between(before, sample_load(), threads, backend->device()));
  if (comm.rank() == 0) save_wisdom(*backend, options.wisdom);

  RunReport report{.argv = argv,
                   .header = dataset->header(),
                   .source = {options.dataset, hash},
                   .options = solver,
                   .plan = plan,
                   .result = result,
                   .backend = description,
                   .threads = fewest_threads(places, threads),
                   .places = places,
                   .assessment = std::nullopt,
                   .as_rank = std::nullopt};
  write(options, comm, *backend, report);
  if (comm.rank() == 0) remove_checkpoints(checkpoint_folder(options.output));
  comm.agree([&] {
    if (comm.rank() == 0) {
      report.assessment = assess_finished(options.output, *dataset);
      tell(options, report);
    }
    if (!verified(result, patterns_in_use(dataset->header())))
      throw RunError(
          fmt::format("{}: the cost did not fall; try a smaller --step", options.dataset.string()));
  });
  return exit_ok;
}

DatasetHeader header_of_case(const ReconstructOptions& options) {
  const auto simulation = load_case(options.case_name).simulation;
  check_apart({"--json", options.json}, {{"--case", simulation.file}});
  return make_header(simulation);
}

/// One rank of many: its own allocations and arithmetic, what comes from the others left out.
int reconstruct_as_rank(const ReconstructOptions& options, const Invocation& call) {
  if (call.comm->size() != 1)
    throw InputError(fmt::format("--as-rank: started on {} ranks; valid: one process", call.comm->size()));
  check_report(options);
  const auto comm = Communicator::alone(*options.as_rank, options.of);
  auto solver = resolve(options.solver);
  // Nothing is reconstructed, and a step that fits would cost a run through the empty specimen.
  if (!solver.step) solver.step = 1;
  std::optional<DatasetReader> dataset;
  if (!options.dataset.empty()) dataset.emplace(options.dataset);
  const auto header = dataset ? dataset->header() : header_of_case(options);
  const auto plan = plan_reconstruction(header, solver, options.of);
  const int threads = ready_threads(options.threads, call.comm);
  if (options.backend.kind == "cpu") check_memory(comm, header, solver, plan, threads);
  const auto backend = new_backend(options, solver, comm, threads);
  learn(*backend, options, comm, nullptr);
  watch_for_interruption();
  const auto acquisition = dataset ? acquisition_of(*dataset) : acquisition_without_data(header);
  const auto before = sample_load();
  const auto result = solve(comm, *backend, acquisition, plan, solver);
  const auto place = place_between(before, sample_load(), threads, backend->device());
  save_wisdom(*backend, options.wisdom);
  const auto description = backend->description();
  tell(options,
       {.argv = call.argv,
        .header = header,
        .source = dataset ? DatasetSource{options.dataset, dataset->content_hash()} : DatasetSource{},
        .options = solver,
        .plan = plan,
        .result = result,
        .backend = description,
        .threads = threads,
        .places = {place},
        .assessment = std::nullopt,
        .as_rank = options.as_rank});
  return exit_ok;
}

/// What only one of the two ways to run can use, or needs.
void check_use(const ReconstructOptions& o) {
  if (o.as_rank) {
    if (o.quality_every > 0) throw InputError("--quality-every: one rank of many has no volume to compare");
    if (o.of < 1) throw InputError("--as-rank: also give --of, the number of ranks it is one of");
    if (o.dataset.empty() == o.case_name.empty())
      throw InputError("--as-rank: give either a DATASET or --case");
    if (!o.output.empty())
      throw InputError("--output: one rank of many makes no reconstruction; leave it out with --as-rank");
    if (o.checkpoints.resume || o.checkpoints.chosen)
      throw InputError(
          "--resume and --checkpoint-every: one rank of many makes no checkpoints; leave them out "
          "with --as-rank");
    return;
  }
  if (o.of != 0 || !o.case_name.empty() || o.solver.chosen.positions_at_most != 0)
    throw InputError("--case, --of and --positions are for --as-rank");
  if (o.dataset.empty()) throw InputError("DATASET: give the file to reconstruct");
  if (o.output.empty()) throw InputError("--output: name the reconstruction to write");
}

void add_run_options(CLI::App& command, ReconstructOptions& o) {
  add_backend_options(command, o.backend);
  add_messages_option(command, o.backend);
  command
      .add_option("--threads", o.threads, "Threads per rank; 0: the machine's cores shared among its ranks")
      ->transform(thread_count(0))
      ->capture_default_str();
  command
      .add_option("--fftw-wisdom", o.wisdom,
                  "What FFTW learned in earlier runs; with it the same command gives the same bytes")
      ->capture_default_str();
  command
      .add_option(
          "--quality-every", o.quality_every,
          "Iterations between comparisons with the dataset's truth, outside the measured time; 0: none")
      ->transform(whole_number(0))
      ->capture_default_str();
  command.add_option("--json", o.json, "Also write the full report here; - prints it instead of the table");
}

void add_one_rank_options(CLI::App& command, ReconstructOptions& o) {
  command
      .add_option(
          "--as-rank", o.as_rank,
          "Run one rank of many alone, to measure its memory and its time per position: with --of, and "
          "without the others' answers")
      ->transform(whole_number(0));
  command.add_option("--of", o.of, "The number of ranks that --as-rank is one of")
      ->transform(whole_number(1));
  command.add_option("--case", o.case_name,
                     "With --as-rank, instead of a DATASET: a case's geometry, without its patterns");
  command
      .add_option("--positions", o.solver.chosen.positions_at_most,
                  "With --as-rank: visit only the first so many of the rank's positions")
      ->transform(whole_number(1));
}

} // namespace

void add_reconstruct_command(CLI::App& app, Action& action) {
  auto* command =
      app.add_subcommand("reconstruct", "Recover the potential from a dataset and measure the run");
  const auto o = std::make_shared<ReconstructOptions>();
  command->add_option("DATASET", o->dataset,
                      "A dataset of `ptychoscale simulate`, or another in that layout");
  command->add_option("-o,--output", o->output,
                      "The reconstruction to write, HDF5; required, except with --as-rank, which makes none");
  add_method_option(*command, o->solver);
  add_solver_options(*command, o->solver);
  add_run_options(*command, *o);
  add_checkpoint_options(*command, o->checkpoints);
  add_one_rank_options(*command, *o);
  command->footer(
      "Examples:\n"
      "  ptychoscale reconstruct ci.h5 --method serial -o serial.h5\n"
      "  mpirun -n 4 ptychoscale reconstruct ci.h5 --method gd --iterations 20 -o gd.h5 --json gd.json\n"
      "  mpirun -n 4 ptychoscale reconstruct ci.h5 --method hve --paste-every 2 -o hve.h5\n"
      "  mpirun -n 4 ptychoscale reconstruct ci.h5 --method gd -o gd.h5 --checkpoint-every 10min --resume\n"
      "  ptychoscale reconstruct --case pbtio3-large --as-rank 0 --of 4158 --positions 1 --measurements "
      "stream");
  command->callback([&action, o] {
    action = [o](const Invocation& call) {
      check_use(*o);
      return o->as_rank ? reconstruct_as_rank(*o, call) : reconstruct_dataset(*o, *call.comm, call.argv);
    };
  });
}

} // namespace ptychoscale
