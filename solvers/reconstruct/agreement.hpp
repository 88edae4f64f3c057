#pragma once

#include "ptychoscale/reconstruct/checkpoint.hpp"

namespace ptychoscale {

/// When ranks may end a run or make a checkpoint: only where all of them meet, at the end of an iteration
/// and, where iterations are long, before the exchange of some of their rounds. All ranks know the same
/// meetings. Without a policy there are none.
class Agreement {
public:
  /// `policy` may be null; `rounds` and `iterations` are those of the run.
  [[nodiscard]] Agreement(const CheckpointPolicy* policy, int rounds, int iterations);

  /// Whether anything is to be agreed on.
  [[nodiscard]] bool wanted() const { return policy_ != nullptr; }
  /// Whether ranks meet before the exchange of the round that `at` is in. In the first iteration, whose
  /// length nobody knows, they do in every round; later about as often as the policy says.
  [[nodiscard]] bool meets(const SweepPlace& at, const SharedState& shared) const;
  /// Whether this rank has been asked to stop.
  [[nodiscard]] bool stop_asked() const;
  /// Whether this rank finds that it is time for a checkpoint, within an iteration or at its end; that of
  /// rank 0 counts.
  [[nodiscard]] bool due_within(const SharedState& shared) const;
  [[nodiscard]] bool due_after(int finished_iterations) const;
  /// A checkpoint was made, or could not be: the next one is due a period later.
  void tried(int finished_iterations);

private:
  [[nodiscard]] bool period_is_over() const;

  const CheckpointPolicy* policy_;
  int rounds_;
  int iterations_;
  double last_s_;
  int last_iteration_ = 0;
};

} // namespace ptychoscale
