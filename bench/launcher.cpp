#include "launcher.hpp"

#include "ptychoscale/base/error.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sstream>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ptychoscale {
namespace {

/// The child's side of run_logged(); only async-signal-safe calls.
[[noreturn]] void become(char** argv, int log) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  execvp(argv[0], argv);
  _exit(exit_not_started);
}

} // namespace

std::vector<std::string> launcher_words(const std::string& launcher, int ranks) {
  static constexpr std::string_view placeholder = "{ranks}";
  std::vector<std::string> result;
  bool filled = false;
  std::istringstream in(launcher);
  for (std::string word; in >> word;) {
    if (const auto at = word.find(placeholder); at != std::string::npos) {
      word.replace(at, placeholder.size(), std::to_string(ranks));
      filled = true;
    }
    result.push_back(word);
  }
  if (!filled)
    throw InputError(
        fmt::format("--launcher: '{}' does not say where the number of ranks goes; valid: for example "
                    "'mpirun -n {{ranks}}' or 'srun -n {{ranks}}'",
                    launcher));
  return result;
}

std::string own_executable() { return std::filesystem::read_symlink("/proc/self/exe").string(); }

int run_logged(const std::vector<std::string>& command, int threads, const std::filesystem::path& log) {
  setenv("OMP_NUM_THREADS", std::to_string(threads).c_str(), 1);
  setenv("OMPI_MCA_hwloc_base_binding_policy", "none", 0);
  std::vector<std::string> words = command;
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const int handle = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (handle < 0)
    throw InputError(fmt::format("{}: cannot be written ({})", log.string(), std::strerror(errno)));
  const pid_t child = fork();
  if (child == 0) become(argv.data(), handle);
  close(handle);
  if (child < 0) throw RunError(fmt::format("cannot start {}: {}", command.front(), std::strerror(errno)));
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

} // namespace ptychoscale
