#include "first_read.hpp"

#include "ptychoscale/base/error.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ptychoscale {
namespace {

/// Seconds of the processor that reading a header may take; waiting for a slow file system takes none.
constexpr rlim_t longest_s = 20;

/// In the child: a crash is neither dumped nor told of by the libraries, and ends it although others of this
/// process handle signals.
void crash_silently() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  const rlimit work{longest_s, longest_s + 1};
  setrlimit(RLIMIT_CPU, &work);
  for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGXCPU, SIGTERM, SIGINT})
    std::signal(number, SIG_DFL);
  if (const int nowhere = open("/dev/null", O_WRONLY); nowhere >= 0) dup2(nowhere, STDERR_FILENO);
}

int status_of(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return 0; // somebody else has waited for it
  return status;
}

} // namespace

void read_first_in_a_child(const std::string& file, const std::function<void()>& read) {
  const pid_t child = fork();
  if (child < 0) return; // without room for a process there is nothing to try it in
  if (child == 0) {
    crash_silently();
    try {
      read();
    } catch (...) {
    }
    _exit(0); // runs nothing of what the parent has yet to do
  }
  const int status = status_of(child);
  if (!WIFSIGNALED(status) && WEXITSTATUS(status) == 0) return;
  const int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  if (number == SIGXCPU)
    throw InputError(fmt::format("'{}': is damaged: reading its header does not end", file));
  throw InputError(fmt::format("'{}': is damaged: the HDF5 library crashes on it ({})", file,
                               number != 0 ? strsignal(number) : "it has left the process"));
}

} // namespace ptychoscale
