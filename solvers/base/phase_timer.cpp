#include "ptychoscale/base/phase_timer.hpp"

#include <chrono>
#include <numeric>
#include <utility>

namespace ptychoscale {

std::string_view name(Phase phase) {
  static constexpr std::array<std::string_view, phase_count> names{"compute", "wait", "communication"};
  return names[static_cast<std::size_t>(phase)];
}

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

PhaseTimer::PhaseTimer(Clock clock) : clock_(std::move(clock)), since_(clock_()) {}

Phase PhaseTimer::switch_to(Phase next) {
  const double now = clock_();
  seconds_[static_cast<std::size_t>(current_)] += now - since_;
  if (observer_) observer_(current_, since_, now);
  since_ = now;
  return std::exchange(current_, next);
}

double PhaseTimer::seconds(Phase phase) const { return seconds_[static_cast<std::size_t>(phase)]; }

double PhaseTimer::total() const { return std::accumulate(seconds_.begin(), seconds_.end(), 0.0); }

void PhaseTimer::reset() {
  seconds_ = {};
  since_ = clock_();
}

} // namespace ptychoscale
