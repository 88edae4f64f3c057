#include "build_info.hpp"
#include "commands.hpp"
#include "ending.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/comm/communicator.hpp"
#include "ptychoscale/reconstruct/reconstruct.hpp"
#include "thread_waiting.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <optional>
#include <string_view>

namespace {
using namespace ptychoscale;

/// Whether the command runs as one process; everything else, typing errors too, starts MPI so that one rank
/// speaks for all.
bool runs_alone(int argc, char** argv) {
  if (argc < 2) return true;
  const std::string_view command = argv[1];
  return command == "assess" || command == "validate" || command == "info" || command.starts_with("-");
}

/// Parses the command line. Gives an exit code when there is nothing to run (help, or a mistake).
std::optional<int> parse(int argc, char** argv, const Communicator* comm, Action& action) {
  CLI::App app{
      "Simulate and reconstruct multislice ptychography in parallel, and measure how well it went.\n\n"
      "A first run:  ptychoscale simulate smoke -o smoke.h5\n"
      "              mpirun -n 4 ptychoscale reconstruct smoke.h5 --method gd -o smoke-gd.h5\n"
      "Exit codes:   0 done, 1 a run or check failed, 2 unusable input, 130 interrupted",
      "ptychoscale"};
  app.set_version_flag("--version", build_info().version);
  app.require_subcommand(1);
  add_simulate_command(app, action);
  add_reconstruct_command(app, action);
  add_plan_command(app, action);
  add_rates_command(app, action);
  add_assess_command(app, action);
  add_validate_command(app, action);
  add_info_command(app, action);
  add_harness_commands(app);
  try {
    app.parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::Success& wanted) {
    if (comm == nullptr || comm->rank() == 0) app.exit(wanted);
    return exit_ok;
  } catch (const CLI::ParseError& mistake) {
    return end_with_error(comm, fmt::format("{}; see ptychoscale --help", mistake.what()), exit_input);
  }
}

int run(int argc, char** argv, const Communicator* comm) {
  try {
    Action action;
    if (const auto ended = parse(argc, argv, comm, action)) return *ended;
    return action({{argv, argv + argc}, comm});
  } catch (const InputError& e) {
    return end_with_error(comm, e.what(), exit_input);
  } catch (const Interrupted&) {
    return end_with_error(comm, "interrupted; nothing was written", exit_interrupted);
  } catch (const std::exception& e) {
    return end_with_error(comm, e.what(), exit_failed);
  }
}

} // namespace

int main(int argc, char** argv) {
  let_threads_sleep_soon(argv);
  if (argc > 1 && belongs_to_harness(argv[1])) return become_harness(argc, argv);
  if (runs_alone(argc, argv)) return run(argc, argv, nullptr);
  try {
    const MpiSession session(argc, argv);
    const auto comm = Communicator::world();
    return run(argc, argv, &comm);
  } catch (const std::exception& e) {
    return end_with_error(nullptr, e.what(), exit_failed);
  }
}
