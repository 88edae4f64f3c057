#include "ending.hpp"

#include "interruption.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/words.hpp"
#include "ptychoscale/comm/launched.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>

namespace ptychoscale {
namespace {
constexpr std::string_view output_lost = "standard output: cannot be written";

void print_error(std::string_view message) {
  const auto line = in_one_line(fmt::format("ptychoscale: error: {}", message));
  fmt::print(stderr, "{}\n", shortened(line, longest_line));
  std::fflush(stderr);
}
} // namespace

int end_with_error(const Communicator* comm, std::string_view message, int exit_code) {
  const bool alone = comm == nullptr || comm->size() == 1;
  if (!alone && comm->rank() > 0) {
    stop_watching_for_interruption();
    std::this_thread::sleep_for(std::chrono::milliseconds(std::min(5000, 1000 + 200 * comm->rank())));
  }
  print_error(message);
  if (!alone) comm->abort(exit_code);
  return exit_code;
}

int end_before_mpi(std::string_view message, int exit_code) {
  if (launched_rank() == 0)
    print_error(message);
  else
    std::this_thread::sleep_for(std::chrono::seconds(1)); // launchers end all when the first one ends
  return exit_code;
}

void warn(std::string_view message) {
  std::string line(message);
  std::replace(line.begin(), line.end(), '\n', ' ');
  fmt::print(stderr, "ptychoscale: warning: {}\n", line);
}

void finish_standard_output() {
  errno = 0;
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return;
  const int reason = errno;
  throw RunError(
      fmt::format("{} ({})", output_lost, reason != 0 ? std::strerror(reason) : "an earlier write failed"));
}

std::string name_standard_output(std::string_view message) {
  if (std::ferror(stdout) == 0 || message.starts_with(output_lost)) return std::string(message);
  constexpr std::string_view as_fmt_says = "cannot write to file: ";
  if (message.starts_with(as_fmt_says)) message.remove_prefix(as_fmt_says.size());
  return fmt::format("{} ({})", output_lost, message);
}

} // namespace ptychoscale
