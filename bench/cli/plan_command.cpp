#include "commands.hpp"
#include "ending.hpp"
#include "progress.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/host_memory.hpp"
#include "ptychoscale/files/case_file.hpp"
#include "ptychoscale/files/output_file.hpp"
#include "ptychoscale/files/rates_file.hpp"
#include "ptychoscale/io/masks.hpp"
#include "ptychoscale/options/choices.hpp"
#include "ptychoscale/options/number_options.hpp"
#include "ptychoscale/options/solver_options.hpp"
#include "ptychoscale/reconstruct/dry_run.hpp"
#include "ptychoscale/record/header_json.hpp"
#include "ptychoscale/record/report_row.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace ptychoscale {
namespace {

struct PlanOptions {
  std::string case_name;
  std::filesystem::path dataset;
  std::filesystem::path rates;
  std::vector<int> ranks;
  std::vector<std::string> methods{"gd", "hve"};
  int threads = 1;
  std::string json;
  SolverOptions solver;
};

/// One method on one number of ranks; infeasible ones are a row with the reason, as the paper's NA.
Json plan_row(const DatasetHeader& header, ReconstructionOptions options, int ranks, const KernelRates& rates,
              int threads) {
  Json row{{"name", fmt::format("{}/{}/{}", header.case_name, name(options.method), ranks)}};
  try {
    const auto plan = plan_reconstruction(header, options, ranks);
    const auto& mesh = plan.tiling.mesh;
    row["name"] = fmt::format("{}/{}/{}x{}", header.case_name, name(options.method), mesh.rows, mesh.columns);
    row["run_type"] = "aggregate";
    row["iterations"] = 1;
    add_options(row, options, plan);
    row["threads"] = threads;
    Progress progress(fmt::format("{} on {}", name(options.method), ranks), "ranks", ranks, 0, true);
    const auto each =
        dry_run(header, options, plan, rates, threads, [&](int rank) { progress.advance_to(rank + 1); });
    add_traffic(row, each);
    add_memory(row, each);
    if (rates.device.empty()) return row;
    add_spread(row, "compute_seconds_per_iteration", each, [](const auto& s) { return s.compute_s; });
    row["seconds_per_position"] = row["compute_seconds_per_iteration_max"].get<double>() * ranks /
                                  static_cast<double>(patterns_in_use(header));
  } catch (const InputError& reason) {
    row["method"] = name(options.method);
    row["ranks"] = ranks;
    row["error_occurred"] = true;
    row["error"] = reason.what();
  }
  return row;
}

std::string number(const Json& row, const std::string& key, double scale) {
  return row.contains(key) ? fmt::format("{:.4g}", row[key].get<double>() * scale) : "-";
}

void print_rows(const Json& rows) {
  fmt::print("{:<6}{:>6}{:>9}{:>11}{:>10}{:>10}{:>12}{:>12}{:>11}{:>12}{:>12}\n", "", "ranks", "mesh",
             "positions", "Mvoxel", "MB", "MB without", "messages", "GB sent", "s per", "ms per");
  fmt::print("{:<6}{:>6}{:>9}{:>11}{:>10}{:>10}{:>12}{:>12}{:>11}{:>12}{:>12}\n", "", "", "", "per rank",
             "per rank", "per rank", "patterns", "", "", "iteration", "position");
  for (const auto& row : rows) {
    fmt::print("{:<6}{:>6}", row["method"].get<std::string>(), row["ranks"].get<int>());
    if (row.contains("error")) {
      fmt::print("{:>9}  {}\n", "NA", row["error"].get<std::string>());
      continue;
    }
    const double without =
        row["memory_peak_bytes_max"].get<double>() - row["memory_measurements_bytes_max"].get<double>();
    fmt::print("{:>9}{:>11}{:>10}{:>10}{:>12.4g}{:>12}{:>11}{:>12}{:>12}\n",
               fmt::format("{}x{}", row["mesh"][0].get<int>(), row["mesh"][1].get<int>()),
               number(row, "positions_per_rank_max", 1), number(row, "extended_voxels_max", 1e-6),
               number(row, "memory_peak_bytes_max", 1e-6), without * 1e-6,
               row["messages_sent"].get<std::int64_t>(), number(row, "bytes_sent", 1e-9),
               number(row, "compute_seconds_per_iteration_max", 1), number(row, "seconds_per_position", 1e3));
  }
}

DatasetHeader header_of(const PlanOptions& options) {
  if (options.case_name.empty() == options.dataset.empty())
    throw InputError("plan: give either --case or --dataset");
  if (!options.dataset.empty()) return DatasetReader(options.dataset).header();
  const auto simulation = load_case(options.case_name).simulation;
  check_apart({"--json", options.json}, {{"--case", simulation.file}});
  return make_header(simulation);
}

/// Planning holds some numbers of each position, whatever the run itself would hold.
void check_memory(const DatasetHeader& header) {
  constexpr double per_position = 80; // of tiles and of a rank that visits all
  const auto memory = host_memory();
  require_memory(
      per_position * static_cast<double>(header.positions_A.size()),
      fmt::format("planning {} positions", header.positions_A.size()),
      fmt::format("at most {:.0f} positions", static_cast<double>(memory.available) / per_position), memory);
}

int plan(const PlanOptions& options, const Invocation& call) {
  check_json(options.json);
  check_apart({"--json", options.json}, {{"--dataset", options.dataset}, {"--rates", options.rates}});
  if (!options.solver.mesh.empty() && options.ranks.size() > 1)
    throw InputError("--mesh: is for one number of --ranks; leave it out, or plan one number at a time");
  const auto header = header_of(options);
  check_memory(header);
  const auto rates = options.rates.empty() ? KernelRates{} : read_rates(options.rates);
  auto solver = resolve(options.solver);
  Json rows = Json::array();
  for (const auto& word : options.methods)
    for (const int ranks : options.ranks) {
      solver.method = method(word);
      rows.push_back(plan_row(header, solver, ranks, rates, options.threads));
    }
  Json context = provenance("modelled");
  add_occasion(context, call.argv);
  context["backend"] = rates.device.empty() ? "model without kernel times" : "model of " + rates.device;
  context["dataset"] = {{"case", header.case_name}, {"seed", header.seed}, {"header", header_json(header)}};
  const auto report = Json{{"context", context}, {"benchmarks", rows}}.dump(2) + "\n";
  if (!deliver_json(options.json, report)) print_rows(rows);
  return exit_ok;
}

} // namespace

void add_plan_command(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand(
      "plan", "Predict memory, messages and kernel time of any number of ranks, without running them");
  const auto o = std::make_shared<PlanOptions>();
  o->solver.chosen.stream_measurements = true;
  command->add_option("--case", o->case_name, "A case of bench/cases, or the path of a case file");
  command->add_option("--dataset", o->dataset, "A dataset instead of a case");
  command->add_option("--ranks", o->ranks, "Numbers of ranks")
      ->delimiter(',')
      ->transform(whole_number(1))
      ->required();
  command->add_option("--methods", o->methods, "Solvers")
      ->delimiter(',')
      ->check(CLI::IsMember({"serial", "gd", "hve", "replicated"}))
      ->capture_default_str();
  command->add_option("--rates", o->rates,
                      "Kernel times by `ptychoscale rates`; left out: no times are predicted");
  command->add_option("--threads", o->threads, "Threads per rank: each has some memory of its own")
      ->transform(thread_count(1))
      ->capture_default_str();
  add_solver_options(*command, o->solver);
  command->add_option("--json", o->json, "Also write the report here; - prints it instead of the table");
  command->footer(
      "Seconds are those of the kernels: nobody waits and no network is modelled.\n"
      "Examples:\n"
      "  ptychoscale plan --case pbtio3-large --ranks 6,54,198,462,924,4158\n"
      "  ptychoscale plan --case pbtio3-small --ranks 6,24 --methods gd --grid tile --rates rates.json");
  command->callback([&action, o] { action = [o](const Invocation& call) { return plan(*o, call); }; });
}

} // namespace ptychoscale
