#pragma once

#include "ptychoscale/comm/communicator.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace ptychoscale {

/// How the program was called, and by which ranks; commands that do without MPI have none.
struct Invocation {
  std::vector<std::string> argv;
  const Communicator* comm = nullptr;
};

/// The parsed command, ready to run; gives the exit code.
using Action = std::function<int(const Invocation&)>;

/// Each adds its subcommand to the command line and sets `action` when the user chose it.
/// @{
void add_simulate_command(CLI::App& app, Action& action);
void add_reconstruct_command(CLI::App& app, Action& action);
void add_plan_command(CLI::App& app, Action& action);
void add_rates_command(CLI::App& app, Action& action);
void add_assess_command(CLI::App& app, Action& action);
void add_validate_command(CLI::App& app, Action& action);
void add_info_command(CLI::App& app, Action& action);
/// @}

/// Whether a command is about many runs, and thus carried out by the Python package of bench/harness.
[[nodiscard]] bool belongs_to_harness(std::string_view command);
/// Names those commands in the help.
void add_harness_commands(CLI::App& app);
/// Replaces this process by the harness, which carries out the command line. Returns, with an exit code, only
/// when there is no python.
[[nodiscard]] int become_harness(int argc, char** argv);

} // namespace ptychoscale
