#pragma once

#include <span>

namespace ptychoscale {

/// Nesterov's factors of momentum, started again after an iteration whose cost was above the one before
/// (Nesterov, 1983; O'Donoghue and Candes, Found. Comput. Math. 15, 2015, Sec. 3.2). All follow from the
/// costs seen, so that a run that is resumed has the same.
class Momentum {
public:
  /// After an iteration; `cost` of all that are finished.
  void finished(std::span<const double> cost);
  /// How much of the last change of the volume is added once more, in the iteration under way.
  [[nodiscard]] double factor() const;

private:
  double t_ = 1; ///< Nesterov's t_k
};

} // namespace ptychoscale
