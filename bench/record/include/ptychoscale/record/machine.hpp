#pragma once

#include <string>

namespace ptychoscale {

/// The machine a process runs on.
struct Machine {
  std::string host;
  std::string cpu; ///< model name
  int cores = 1;   ///< hardware threads this process may use
};
[[nodiscard]] Machine this_machine();

/// Cores this process is bound to, as a list of ranges ("0-3,8").
[[nodiscard]] std::string core_binding();

/// Threads for each of `ranks_on_host` processes that share this machine: at least 1.
[[nodiscard]] int default_threads(int ranks_on_host);

} // namespace ptychoscale
