#include "thread_waiting.hpp"

#include <cstdlib>
#include <unistd.h>

namespace ptychoscale {
namespace {
constexpr const char* spins = "GOMP_SPINCOUNT";
}

void let_threads_sleep_soon(char** argv) {
  if (std::getenv(spins) != nullptr || std::getenv("OMP_WAIT_POLICY") != nullptr) return;
  if (setenv(spins, "1000", 1) == 0) execv("/proc/self/exe", argv);
}

} // namespace ptychoscale
