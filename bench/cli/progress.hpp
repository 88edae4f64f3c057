#pragma once

#include <chrono>
#include <string>

namespace ptychoscale {

/// One line on stderr that shows how far a run is, its rate and the time left; silent when stderr is not a
/// terminal.
class Progress {
public:
  /// `unit` is plural, e.g. "positions"; work done before this run (`done`) does not count for the rate.
  [[nodiscard]] Progress(std::string title, std::string unit, int total, int done, bool shown);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void advance_to(int done, const std::string& note = {});

private:
  using Clock = std::chrono::steady_clock;
  std::string title_;
  std::string unit_;
  int total_;
  int before_;
  bool shown_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point drawn_{};
};

} // namespace ptychoscale
