#include "assessment.hpp"
#include "case_file.hpp"
#include "commands.hpp"
#include "ending.hpp"
#include "launcher.hpp"
#include "machine.hpp"
#include "output_file.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/io/dataset.hpp"
#include "ptychoscale/reconstruct/reconstruct.hpp"
#include "repeats.hpp"
#include "results_table.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ptychoscale {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct BenchOptions {
  std::string case_name;
  fs::path folder;
  fs::path dataset;
  int ranks = 4;
  std::vector<std::string> methods{"serial", "gd", "hve"};
  std::optional<int> iterations;
  int repeat = 1;
  std::string launcher = "mpirun -n {ranks}";
};

/// What every launched process shares.
struct Bench {
  BenchOptions options;
  Case details;
  fs::path dataset;
};

/// Runs ptychoscale through the launcher, its output in FOLDER/NAME.log.
int launch(const Bench& bench, int ranks, const std::string& name,
           const std::vector<std::string>& arguments) {
  auto command = launcher_words(bench.options.launcher, ranks);
  const int threads = default_threads(ranks);
  command.push_back(own_executable());
  command.insert(command.end(), arguments.begin(), arguments.end());
  command.insert(command.end(), {"--threads", std::to_string(threads)});
  return run_logged(command, threads, bench.options.folder / (name + ".log"));
}

/// Why a launched process failed: its error line, else its exit code.
std::string reason(const Bench& bench, const std::string& name, int exit_code) {
  const auto log = bench.options.folder / (name + ".log");
  if (exit_code == exit_not_started)
    return fmt::format("'{}' cannot be started; is it installed, and in PATH?", bench.options.launcher);
  constexpr std::string_view mark = "ptychoscale: error: ";
  std::ifstream in(log);
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(mark)) return line.substr(mark.size());
  return fmt::format("exit code {}; see {}", exit_code, log.string());
}

/// Whether the file is this case's dataset, whole.
bool already_simulated(const fs::path& file, const Case& details) {
  std::error_code error;
  if (!fs::exists(file, error)) return false;
  try {
    const DatasetReader reader(file);
    const auto expected = make_header(details.simulation);
    const auto& found = reader.header();
    return found.case_name == expected.case_name && found.detector == expected.detector &&
           found.volume == expected.volume && found.slices == expected.slices &&
           found.seed == expected.seed && found.positions_A.size() == expected.positions_A.size() &&
           found.probe == expected.probe && found.specimen_json == expected.specimen_json &&
           found.dose_e_per_A2 == expected.dose_e_per_A2;
  } catch (const InputError&) {
    return false;
  }
}

void simulate_if_needed(const Bench& bench) {
  if (!bench.options.dataset.empty() || already_simulated(bench.dataset, bench.details)) return;
  fmt::print(stderr, "simulating {}\n", bench.dataset.string());
  const int exit_code = launch(bench, bench.options.ranks, "simulate",
                               {"simulate", bench.options.case_name, "-o", bench.dataset.string()});
  if (exit_code == exit_input) throw InputError(reason(bench, "simulate", exit_code));
  if (exit_code != exit_ok) throw RunError(reason(bench, "simulate", exit_code));
}

Json read_report(const fs::path& file) {
  std::ifstream in(file);
  return Json::parse(std::string{std::istreambuf_iterator<char>(in), {}});
}

/// One run of one solver as the report it wrote; a failed one as a row with its reason.
Json run_once(const Bench& bench, const std::string& method, int repetition) {
  const int ranks = method == "serial" ? 1 : bench.options.ranks;
  const auto folder = bench.options.folder;
  const auto json = folder / fmt::format("{}-{}.json", method, repetition);
  fmt::print(stderr, "{} on {} rank{}, run {} of {}\n", method, ranks, ranks == 1 ? "" : "s", repetition + 1,
             bench.options.repeat);
  fs::remove(json);
  const int iterations = bench.options.iterations.value_or(bench.details.iterations);
  const int exit_code =
      launch(bench, ranks, method,
             {"reconstruct", bench.dataset.string(), "-o", (folder / (method + ".h5")).string(), "--method",
              method, "--iterations", std::to_string(iterations), "--json", json.string()});
  if (exit_code == exit_ok) return read_report(json);
  return {{"benchmarks", Json::array({{{"name", method},
                                       {"method", method},
                                       {"ranks", ranks},
                                       {"error_occurred", true},
                                       {"error", reason(bench, method, exit_code)}}})}};
}

/// All repetitions of one solver, as one row with the median time.
Json run_method(const Bench& bench, const std::string& method, Json& context) {
  std::vector<Json> rows;
  for (int i = 0; i < bench.options.repeat; ++i) {
    const auto report = run_once(bench, method, i);
    if (report.contains("context") && context.empty()) context = report["context"];
    rows.push_back(report["benchmarks"][0]);
    if (rows.back().contains("error")) return rows.back();
  }
  std::vector<double> times;
  for (const auto& row : rows) times.push_back(row["seconds_per_iteration"].get<double>());
  const auto summary = summarise_repeats(times);
  auto row = rows[summary.middle];
  row["repetitions"] = rows.size();
  row["seconds_per_iteration_median"] = summary.median;
  row["seconds_per_iteration_95_percent"] =
      summary.interval ? Json({summary.interval->first, summary.interval->second}) : Json();
  row["seconds_per_iteration_of_repetitions"] = times;
  return row;
}

/// What two runs must share for their errors to compare strip by strip.
Json steps_of(const Json& row) {
  return {row.value("update", std::string(name(UpdateRule::once))), row["step"], row["iterations"]};
}

/// The serial run, measured at a parallel run's borders, is the control of its seams.
void judge_with_control(const Bench& bench, Json& rows) {
  const auto file = [&](const std::string& method) { return bench.options.folder / (method + ".h5"); };
  const auto succeeded = [](const Json& row) { return !row.contains("error"); };
  const auto serial = std::find_if(
      rows.begin(), rows.end(), [&](const Json& row) { return succeeded(row) && row["method"] == "serial"; });
  const DatasetReader dataset(bench.dataset);
  if (serial == rows.end() || !dataset.has_truth()) return;
  const Json steps = steps_of(*serial);
  for (auto& row : rows) {
    const auto method = row["method"].get<std::string>();
    if (!succeeded(row) || method == "serial") continue;
    const auto run = assess_seams(file(method), dataset, file(method));
    const auto control = assess_seams(file("serial"), dataset, file(method));
    const auto pairing = steps_of(row) == steps ? Pairing::steps : Pairing::data;
    const auto verdict = judge_seams(run, &control, pairing);
    row["seam_found"] = verdict.any();
    row["seam_control"] = "serial";
    const auto number = [](const std::optional<double>& v) { return v ? Json(*v) : Json(); };
    if (pairing == Pairing::steps) {
      row["seam_rows_excess"] = number(border_excess(run.rows, control.rows));
      row["seam_columns_excess"] = number(border_excess(run.columns, control.columns));
    }
    row["seam_rows_z_control"] = number(control.rows.summed.z);
    row["seam_columns_z_control"] = number(control.columns.summed.z);
    row["seam_rows_comb_power_control"] = number(control.rows.summed.comb_power);
    row["seam_columns_comb_power_control"] = number(control.columns.summed.comb_power);
  }
}

Bench prepare(const BenchOptions& options) {
  Bench bench{options, load_case(options.case_name), options.dataset};
  (void)launcher_words(options.launcher, options.ranks);
  for (const auto& method : options.methods) (void)ptychoscale::method(method);
  if (!options.dataset.empty()) (void)DatasetReader(options.dataset);
  std::error_code error;
  fs::create_directories(options.folder, error);
  check_output(options.folder / "report.json", 1 << 20);
  if (bench.dataset.empty()) bench.dataset = options.folder / (bench.details.simulation.name + ".h5");
  return bench;
}

int run_bench(const BenchOptions& options, const Invocation& call) {
  const auto bench = prepare(options);
  simulate_if_needed(bench);
  Json context;
  Json rows = Json::array();
  for (const auto& method : bench.options.methods) rows.push_back(run_method(bench, method, context));
  judge_with_control(bench, rows);
  if (!context.is_object()) context = Json::object();
  context["argv"] = call.argv;
  const auto report = Json{{"context", context}, {"benchmarks", rows}}.dump(2) + "\n";
  write_text(bench.options.folder / "report.json", report);
  fmt::print("{}", results_table(report));
  const bool failed =
      std::any_of(rows.begin(), rows.end(), [](const Json& row) { return row.contains("error"); });
  return failed ? exit_failed : exit_ok;
}

} // namespace

void add_bench_command(CLI::App& app, Action& action) {
  auto* command =
      app.add_subcommand("bench", "Run solvers side by side on one case and compare them in one table");
  const auto o = std::make_shared<BenchOptions>();
  command
      ->add_option("CASE", o->case_name, "A case of bench/cases, or the path of a case file ending in .json")
      ->required();
  command->add_option("-o,--output", o->folder, "Folder for dataset, reconstructions, logs and report.json")
      ->required();
  command->add_option("--dataset", o->dataset,
                      "Use this dataset; left out: simulate the case unless the folder has it");
  command->add_option("--ranks", o->ranks, "Ranks of the parallel solvers; serial runs on one")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--methods", o->methods, "Solvers to run")
      ->delimiter(',')
      ->check(CLI::IsMember({"serial", "gd", "hve"}))
      ->capture_default_str();
  command->add_option("--iterations", o->iterations, "Iterations; left out: the case's")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--repeat", o->repeat, "Runs of each solver; the table shows the one with the median time")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command
      ->add_option("--launcher", o->launcher, "How to start processes; {ranks} becomes the number of ranks")
      ->capture_default_str();
  command->footer("Examples:\n"
                  "  ptychoscale bench ci -o demo\n"
                  "  ptychoscale bench ci --methods gd,hve --ranks 2 --repeat 6 -o demo\n"
                  "  ptychoscale bench workstation --launcher 'srun -n {ranks}' --ranks 16 -o runs\n"
                  "A run that fails is a row with its reason, and the exit code is 1.");
  command->callback([&action, o] { action = [o](const Invocation& call) { return run_bench(*o, call); }; });
}

} // namespace ptychoscale
