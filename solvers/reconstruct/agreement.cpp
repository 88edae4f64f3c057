#include "agreement.hpp"

#include <algorithm>

namespace ptychoscale {

Agreement::Agreement(const CheckpointPolicy* policy, int rounds, int iterations)
    : policy_(policy), rounds_(rounds), iterations_(iterations), last_s_(steady_seconds()) {}

bool Agreement::meets(const SweepPlace& at, const SharedState& shared) const {
  if (!wanted()) return false;
  if (shared.seconds.empty()) return true;
  const double seconds = shared.seconds.back(); // agreed, and so alike on all ranks
  if (seconds <= policy_->meet_every_s) return false;
  const int every = std::max(1, static_cast<int>(policy_->meet_every_s * rounds_ / seconds));
  return (at.round + 1) % every == 0;
}

bool Agreement::stop_asked() const { return wanted() && policy_->stop_asked && policy_->stop_asked(); }

bool Agreement::period_is_over() const {
  return policy_->every_s > 0 && steady_seconds() - last_s_ >= policy_->every_s;
}

bool Agreement::due_within(const SharedState& shared) const {
  // At an iteration's end there is half as much to write.
  const bool long_iterations = shared.seconds.empty() || shared.seconds.back() > policy_->every_s;
  return wanted() && long_iterations && period_is_over();
}

bool Agreement::due_after(int finished) const {
  if (!wanted() || finished >= iterations_) return false;
  const int every = policy_->every_iterations;
  return period_is_over() || (every > 0 && finished - last_iteration_ >= every);
}

void Agreement::tried(int finished) {
  last_s_ = steady_seconds();
  last_iteration_ = finished;
}

} // namespace ptychoscale
