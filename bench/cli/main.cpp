#include "commands.hpp"
#include "ending.hpp"
#include "extras.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/host_memory.hpp"
#include "ptychoscale/comm/communicator.hpp"
#include "ptychoscale/comm/launched.hpp"
#include "ptychoscale/reconstruct/reconstruct.hpp"
#include "ptychoscale/record/build_info.hpp"
#include "ptychoscale/record/machine.hpp"
#include "temporary_folder.hpp"
#include "thread_waiting.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <new>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {
using namespace ptychoscale;

/// Whether the command runs as one process, for which MPI is not started.
bool runs_alone(std::string_view command) {
  constexpr std::array alone{"assess", "info", "plan", "rates", "validate"};
  return std::ranges::find(alone, command) != alone.end();
}

/// The command that the user chose, and its own; `app` itself when none was understood.
const CLI::App& innermost(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? app : innermost(*chosen.front());
}

std::string full_name(const CLI::App& command) {
  const auto* parent = command.get_parent();
  return (parent != nullptr ? full_name(*parent) + " " : "") + command.get_name();
}

/// What the user typed wrongly, and the help that tells more.
std::string describe(const CLI::ParseError& mistake, const CLI::App& app) {
  const auto& command = innermost(app);
  std::string what = mistake.what();
  if (dynamic_cast<const CLI::ExtrasError*>(&mistake) != nullptr)
    what = describe_extras(command, command.remaining());
  if (command.get_require_subcommand_min() > 0) {
    std::vector<std::string> names;
    for (const auto* known : command.get_subcommands(nullptr)) names.push_back(known->get_name());
    const auto words = command.remaining();
    what = fmt::format("{} a command; valid: {}",
                       words.empty() ? "give" : fmt::format("'{}' is not", words[0]), fmt::join(names, ", "));
  }
  return fmt::format("{}; see {} --help", what, full_name(command));
}

/// An empty word is the value of a variable that a script forgot, and names nothing.
void refuse_empty_words(const CLI::App& command) {
  for (const auto* option : command.get_options())
    for (const auto& word : option->results())
      if (word.empty())
        throw InputError(fmt::format("{}: is empty; valid: at least one character", option->get_name()));
}

/// Parses the command line. Gives an exit code when there is nothing to run (help, or a mistake). It needs no
/// MPI: of several ranks the first speaks for all.
std::optional<int> parse(int argc, char** argv, Action& action) {
  CLI::App app{
      "Simulate and reconstruct multislice ptychography in parallel, and measure how well it went.\n\n"
      "A first run:  ptychoscale simulate smoke -o smoke.h5\n"
      "              mpirun -n 4 ptychoscale reconstruct smoke.h5 --method gd -o smoke-gd.h5\n"
      "Exit codes:   0 done, 1 a run or check failed, 2 unusable input, 75 stopped with a checkpoint, 130 "
      "interrupted",
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
    refuse_empty_words(innermost(app));
    return std::nullopt;
  } catch (const CLI::Success& wanted) {
    std::ostringstream text;
    app.exit(wanted, text);
    if (launched_rank() == 0) fmt::print("{}", text.str());
    finish_standard_output();
    return exit_ok;
  } catch (const CLI::ParseError& mistake) {
    return end_before_mpi(describe(mistake, app), exit_input);
  } catch (const InputError& mistake) {
    return end_before_mpi(mistake.what(), exit_input);
  }
}

/// Says which rank, where there are several.
std::string on_rank(const Communicator* comm) {
  if (comm == nullptr || comm->size() == 1) return {};
  return fmt::format("rank {} of {} on {}: ", comm->rank(), comm->size(), this_machine().host);
}

int run(const Action& action, const std::vector<std::string>& argv, const Communicator* comm) {
  try {
    const int code = action({argv, comm});
    finish_standard_output();
    return code;
  } catch (const InputError& e) {
    return end_with_error(comm, e.what(), exit_input);
  } catch (const Interrupted&) {
    return end_with_error(comm, "interrupted; nothing was written", exit_interrupted);
  } catch (const OutOfMemory& e) {
    return end_with_error(comm, on_rank(comm) + e.what(), exit_failed);
  } catch (const std::bad_alloc&) {
    return end_with_error(comm, on_rank(comm) + out_of_memory_text(host_memory(), memory_meter().read()),
                          exit_failed);
  } catch (const std::length_error&) { // of a container that was to have more elements than any can
    return end_with_error(comm, on_rank(comm) + "memory: asked for more than any machine has", exit_failed);
  } catch (const std::exception& e) {
    return end_with_error(comm, name_standard_output(e.what()), exit_failed);
  }
}

} // namespace

int main(int argc, char** argv) {
  let_threads_sleep_soon(argv);
  if (argc > 1 && belongs_to_harness(argv[1])) return become_harness(argc, argv);
  const std::vector<std::string> words(argv, argv + argc);
  try {
    Action action;
    if (const auto ended = parse(argc, argv, action)) return *ended;
    if (runs_alone(words[1])) return run(action, words, nullptr);
    if (const auto complaint = complaint_of_temporary_folder()) return end_before_mpi(*complaint, exit_input);
    if (const auto doubt = check_direct_launch(); doubt && launched_rank() == 0) warn(*doubt);
    const MpiSession session(argc, argv);
    const auto comm = Communicator::world();
    check_launcher(comm);
    return run(action, words, &comm);
  } catch (const std::exception& e) {
    return end_before_mpi(name_standard_output(e.what()), exit_failed);
  }
}
