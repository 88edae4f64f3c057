#include "commands.hpp"
#include "ending.hpp"
#include "ptychoscale/files/home.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <unistd.h>
#include <vector>

namespace ptychoscale {
namespace {

struct HarnessCommand {
  const char* name;
  const char* help;
};

constexpr std::array harness_commands{
    HarnessCommand{"bench", "Run solvers side by side on one case and compare them in one table"},
    HarnessCommand{"halves",
                   "Quality without a truth: reconstruct two halves of the positions and correlate them"},
    HarnessCommand{"sweep", "Run a solver over ranks, meshes, halos, rounds, grids and adjoints; resumable"},
    HarnessCommand{"tune", "Search for the largest stable and the best step size"},
    HarnessCommand{"compare", "Compare two reports row by row: better, worse, same or unclear"},
    HarnessCommand{"gate", "Exit with 1 when a fresh run is worse than a committed baseline"},
    HarnessCommand{"report", "Make one self-contained page of a folder of reports"},
    HarnessCommand{"reproduce", "Regenerate a table or figure of the paper: paper, ours, ratio, evidence"},
    HarnessCommand{"project", "Run the solvers on a simulated machine of any number of GPUs"},
    HarnessCommand{"import", "Make a dataset of a measured scan in nearly any file format"},
};

/// The python that runs the harness: the user's choice, else the one found when this was built.
std::string python() {
  const char* chosen = std::getenv("PTYCHOSCALE_PYTHON");
  return chosen != nullptr && *chosen != '\0' ? chosen : PTYCHOSCALE_DEFAULT_PYTHON;
}

/// Puts the harness before whatever python finds already.
void add_to_python_path(const std::string& folder) {
  const char* present = std::getenv("PYTHONPATH");
  const bool empty = present == nullptr || *present == '\0';
  setenv("PYTHONPATH", (empty ? folder : folder + ":" + present).c_str(), 1);
}

} // namespace

bool belongs_to_harness(std::string_view command) {
  return std::any_of(harness_commands.begin(), harness_commands.end(),
                     [&](const HarnessCommand& known) { return command == known.name; });
}

void add_harness_commands(CLI::App& app) {
  for (const auto& command : harness_commands) app.add_subcommand(command.name, command.help);
}

int become_harness(int argc, char** argv) {
  add_to_python_path(home() / "bench");
  setenv("PTYCHOSCALE", std::filesystem::read_symlink("/proc/self/exe").c_str(), 1);
  const auto interpreter = python();
  std::vector<std::string> words{interpreter, "-m", "harness"};
  words.insert(words.end(), argv + 1, argv + argc);
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  return end_with_error(
      nullptr,
      fmt::format(
          "'{}' cannot be started ({}), and {} needs a python with ci/requirements.txt; make one with "
          "ci/python-env, or name one in PTYCHOSCALE_PYTHON",
          interpreter, std::strerror(errno), argv[1]),
      exit_input);
}

} // namespace ptychoscale
