#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <string_view>
#include <utility>

namespace ptychoscale {

/// What a rank is doing: computing, blocked on another rank or on measurements that are streamed, or packing
/// and handing over messages.
enum class Phase { compute, wait, communication };
inline constexpr std::size_t phase_count = 3;
[[nodiscard]] std::string_view name(Phase phase);

/// Seconds of this machine's steady clock, from an arbitrary start.
[[nodiscard]] double steady_seconds();

/// Seconds of this rank by phase, on a clock of the caller's choice. One phase is current at any time, so
/// that the phases add up to the wall time.
class PhaseTimer {
public:
  using Clock = std::function<double()>;
  using Observer = std::function<void(Phase phase, double from_s, double to_s)>;

  explicit PhaseTimer(Clock clock = steady_seconds);
  /// Charges the time since the last switch to the current phase and makes `next` current; returns the old
  /// one.
  Phase switch_to(Phase next);
  /// Charges the time since the last switch to nobody.
  void skip() { since_ = clock_(); }
  /// Tells `observer` of every stretch of time that is charged from now on.
  void observe(Observer observer) { observer_ = std::move(observer); }
  [[nodiscard]] double seconds(Phase phase) const;
  [[nodiscard]] double total() const;
  void reset();

private:
  Clock clock_;
  Observer observer_;
  Phase current_ = Phase::compute;
  double since_;
  std::array<double, phase_count> seconds_{};
};

/// Makes a phase current for a scope, then restores the one before.
class [[nodiscard]] PhaseScope {
public:
  PhaseScope(PhaseTimer& timer, Phase phase) : timer_(timer), before_(timer.switch_to(phase)) {}
  ~PhaseScope() { timer_.switch_to(before_); }
  PhaseScope(const PhaseScope&) = delete;
  PhaseScope& operator=(const PhaseScope&) = delete;

private:
  PhaseTimer& timer_;
  Phase before_;
};

} // namespace ptychoscale
