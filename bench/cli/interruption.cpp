#include "interruption.hpp"

#include <atomic>
#include <csignal>
#include <cstdint>
#include <initializer_list>

namespace ptychoscale {
namespace {

std::atomic<std::uint32_t> all_raised{0};
static_assert(std::atomic<std::uint32_t>::is_always_lock_free,
              "a signal handler may only touch lock-free atomics");

std::uint32_t bit(int signal) { return std::uint32_t{1} << static_cast<unsigned>(signal); }

extern "C" void raise_flag(int signal) { all_raised |= bit(signal); }

void watch_for(int signal, int flags) {
  struct sigaction action {};
  action.sa_handler = raise_flag;
  action.sa_flags = SA_RESTART | flags;
  sigaction(signal, &action, nullptr);
}

} // namespace

void watch_for_interruption() {
  for (const int signal : {SIGINT, SIGTERM}) watch_for(signal, static_cast<int>(SA_RESETHAND));
}

void watch_for_stop() {
  for (const int signal : {SIGUSR1, SIGUSR2}) watch_for(signal, 0);
  watch_for(SIGTERM, static_cast<int>(SA_RESETHAND));
}

void stop_watching_for_interruption() {
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGUSR2}) std::signal(signal, SIG_DFL);
}

bool raised(int signal) { return (all_raised & bit(signal)) != 0; }
bool interrupted() { return raised(SIGINT) || raised(SIGTERM); }

} // namespace ptychoscale
