#include "projection.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/files/case_file.hpp"
#include "ptychoscale/options/solver_options.hpp"
#include "ptychoscale/record/report_row.hpp"
#include "ptychoscale/simulate/parameters.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

namespace {
using namespace ptychoscale;

struct Options {
  std::filesystem::path platform;
  std::vector<std::string> settings;
  std::string case_name;
  std::filesystem::path kernel_times;
  int ranks = 1;
  double imbalance = 0;
  int slow_rank = -1; ///< none
  double slow_factor = 1;
  bool timeline = false;
  bool tiles = false;
  SolverOptions solver;
};

/// Makes ranks slower by a share of their own, uniform between none and `imbalance`; the same every time.
void unbalance(std::vector<double>& seconds, double imbalance) {
  std::minstd_rand random(1);
  for (double& s : seconds)
    s *= 1 + imbalance * static_cast<double>(random()) / static_cast<double>(std::minstd_rand::max());
}

void slow_down(std::vector<double>& seconds, const Options& o) {
  if (o.slow_rank < 0) return;
  if (o.slow_rank >= o.ranks)
    throw InputError(
        fmt::format("--slow-rank: {} of {} ranks; valid: 0 to {}", o.slow_rank, o.ranks, o.ranks - 1));
  seconds[static_cast<std::size_t>(o.slow_rank)] *= o.slow_factor;
}

Json row_of(const Options& options, const ProjectedRun& run, const Reconstruction& result) {
  const auto& ranks = result.ranks;
  Json row;
  add_options(row, run.options, run.plan);
  row["iterations"] = result.seconds.size();
  row["seconds_of_iterations"] = result.seconds;
  row["imbalance"] = options.imbalance;
  if (options.slow_rank >= 0) row["slow_rank"] = {options.slow_rank, options.slow_factor};
  add_traffic(row, ranks);
  add_phases(row, ranks, result.seconds.size());
  row["messages_per_rank"] = Json::array();
  row["bytes_per_rank"] = Json::array();
  for (const auto& s : ranks) {
    row["messages_per_rank"].push_back(s.messages);
    row["bytes_per_rank"].push_back(s.bytes_sent);
  }
  return row;
}

Json timeline_of(const std::vector<Interval>& timeline) {
  Json intervals = Json::array();
  for (const auto& i : timeline) intervals.push_back({i.rank, name(i.phase), i.from_s, i.to_s});
  return intervals;
}

void run(const Options& options) {
  const auto header = make_header(load_case(options.case_name).simulation);
  auto solver = resolve(options.solver);
  solver.step = 1; // it scales what is not computed
  solver.stream_measurements = true;
  if (solver.positions_at_once > 1)
    throw InputError(fmt::format("--positions-at-once: {}; valid: 1, since kernel times are of one position",
                                 solver.positions_at_once));
  const auto plan = plan_reconstruction(header, solver, options.ranks);
  if (options.tiles) {
    fmt::print("{}\n", Json(ranks_to_measure(plan.tiling, header.slices)).dump());
    return;
  }
  ProjectedRun run{header, solver, plan, read_kernel_times(options.kernel_times), {}, options.timeline};
  run.seconds_per_visit = seconds_per_visit(run.times, header, solver, plan.tiling);
  unbalance(run.seconds_per_visit, options.imbalance);
  slow_down(run.seconds_per_visit, options);
  SimulatedMachine machine(options.platform, options.settings, options.ranks);
  const auto projection = project(machine, run);
  Json out{{"row", row_of(options, run, projection.run)}, {"positions", header.positions_A.size()}};
  if (options.timeline) out["timeline"] = timeline_of(projection.timeline);
  fmt::print("{}\n", out.dump());
}

void add_options_to(CLI::App& app, Options& o) {
  app.add_option("--platform", o.platform, "The machine, SimGrid XML");
  app.add_option("--setting", o.settings, "SimGrid's settings, key:value");
  app.add_option("--case", o.case_name, "A case of bench/cases, or the path of a case file")->required();
  app.add_option("--kernel-times", o.kernel_times, "How long the device works, JSON");
  app.add_option("--ranks", o.ranks, "Number of ranks, one to a GPU")->check(CLI::PositiveNumber)->required();
  app.add_option("--imbalance", o.imbalance, "Ranks are slower by up to this share, each by its own")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--slow-rank", o.slow_rank, "One rank that takes --slow-factor times as long");
  app.add_option("--slow-factor", o.slow_factor, "Times")->check(CLI::PositiveNumber);
  app.add_flag("--timeline", o.timeline, "Also tell when each rank computed, waited and communicated");
  app.add_flag("--tiles", o.tiles, "Only tell which ranks' tiles are to be measured for kernel times");
  add_method_option(app, o.solver);
  add_solver_options(app, o.solver);
}

} // namespace

/// Prints one projected run as {"row": ..., "timeline": ...} for `ptychoscale project`, which people use.
int main(int argc, char** argv) {
  CLI::App app{"One run on a simulated machine; `ptychoscale project` makes many and reports them."};
  Options options;
  add_options_to(app, options);
  try {
    app.parse(argc, argv);
    run(options);
    return 0;
  } catch (const CLI::ParseError& wanted) {
    return app.exit(wanted);
  } catch (const InputError& e) {
    fmt::print(stderr, "ptychoscale: error: {}\n", e.what());
    return 2;
  } catch (const std::exception& e) {
    fmt::print(stderr, "ptychoscale: error: {}\n", e.what());
    return 1;
  }
}
