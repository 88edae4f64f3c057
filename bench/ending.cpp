#include "ending.hpp"

#include "interruption.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

namespace ptychoscale {

int end_with_error(const Communicator* comm, std::string_view message, int exit_code) {
  const bool alone = comm == nullptr || comm->size() == 1;
  if (!alone && comm->rank() > 0) {
    stop_watching_for_interruption();
    std::this_thread::sleep_for(std::chrono::milliseconds(std::min(5000, 1000 + 200 * comm->rank())));
  }
  std::string line(message);
  std::replace(line.begin(), line.end(), '\n', ' ');
  fmt::print(stderr, "ptychoscale: error: {}\n", line);
  std::fflush(stderr);
  if (!alone) comm->abort(exit_code);
  return exit_code;
}

} // namespace ptychoscale
