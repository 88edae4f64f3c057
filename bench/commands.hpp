#pragma once

#include "ptychoscale/comm/communicator.hpp"

#include <functional>
#include <string>
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
void add_bench_command(CLI::App& app, Action& action);
void add_validate_command(CLI::App& app, Action& action);
void add_info_command(CLI::App& app, Action& action);
/// @}

} // namespace ptychoscale
