#include "ptychoscale/base/phase_timer.hpp"

#include <numeric>
#include <utility>

namespace ptychoscale {

std::string_view name(Phase phase) {
  static constexpr std::array<std::string_view, phase_count> names{"compute", "wait", "communication"};
  return names[static_cast<std::size_t>(phase)];
}

Phase PhaseTimer::switch_to(Phase next) {
  const auto now = Clock::now();
  seconds_[static_cast<std::size_t>(current_)] += std::chrono::duration<double>(now - since_).count();
  since_ = now;
  return std::exchange(current_, next);
}

double PhaseTimer::seconds(Phase phase) const { return seconds_[static_cast<std::size_t>(phase)]; }

double PhaseTimer::total() const { return std::accumulate(seconds_.begin(), seconds_.end(), 0.0); }

void PhaseTimer::reset() {
  seconds_ = {};
  since_ = Clock::now();
}

} // namespace ptychoscale
