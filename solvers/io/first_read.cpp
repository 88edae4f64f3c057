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

constexpr unsigned longest_s = 300; ///< of reading a header, on the slowest of file systems

/// In the child: a crash is neither dumped nor told of by the libraries, and ends it although others of this
/// process handle signals.
void crash_silently() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM, SIGTERM, SIGINT})
    std::signal(number, SIG_DFL);
  if (const int nowhere = open("/dev/null", O_WRONLY); nowhere >= 0) dup2(nowhere, STDERR_FILENO);
  alarm(longest_s);
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
  if (number == SIGALRM)
    throw InputError(fmt::format("'{}': is damaged: reading its header does not end", file));
  throw InputError(fmt::format("'{}': is damaged: the HDF5 library crashes on it ({})", file,
                               number != 0 ? strsignal(number) : "it has left the process"));
}

} // namespace ptychoscale
