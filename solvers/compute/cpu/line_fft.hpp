#pragma once

#include "ptychoscale/compute/backend.hpp"

#include <complex>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>

struct fftwf_plan_s;

namespace ptychoscale {

/// One-dimensional transforms of single lines, in place, by FFTW in single precision; unscaled both ways.
///
/// A two-dimensional transform is lines along x, then blocks of neighbouring lines along y gathered into
/// cache. That is where the propagator can be applied between two transforms without another trip through
/// memory.
class LineFft {
public:
  /// Lines along y that are gathered and transformed together: two cache lines of complex64 per row.
  static constexpr int block = 16;

  [[nodiscard]] explicit LineFft(Planning planning);

  /// Rows that are transformed by one plan: short single lines cost as much in calls as in arithmetic.
  static constexpr int row_block = 16;

  /// Plans a length for rows (contiguous) and for column blocks ([n][block]). Not thread-safe.
  ///
  /// Plans follow from the length's wisdom alone, be it learned or measured here: the process that measured
  /// and every later one that learned compute the same bits.
  void prepare(int length);

  /// `count` <= row_block contiguous lines, [count][length].
  void rows(Complex* lines, int count, int length, Direction direction) const;
  /// `lines` is 64-byte aligned, [length][block].
  void columns(Complex* lines, int length, Direction direction) const;

  /// FFTW's wisdom of every length measured or learned: a JSON object, {"version": ..., "48": ..., ...}.
  [[nodiscard]] std::string wisdom() const;
  /// Adds the lengths not yet known. Throws InputError, and learns nothing, for text that is not wisdom of
  /// this FFTW on a processor such as this.
  void learn(const std::string& wisdom);

private:
  struct Destroy {
    void operator()(fftwf_plan_s* plan) const noexcept;
  };
  using Plan = std::unique_ptr<fftwf_plan_s, Destroy>;
  struct Plans {
    Plan row[2];
    Plan rows[2];
    Plan columns[2];
  };
  [[nodiscard]] const Plans& plans(int length) const;
  [[nodiscard]] static std::optional<Plans> make_plans(Complex* scratch, int length, unsigned flags);
  [[nodiscard]] static Plans need_plans(int length, unsigned flags);
  [[nodiscard]] static bool suffices(const std::string& text, int length);

  Planning planning_;
  std::map<int, std::string> wisdom_;
  std::map<int, Plans> plans_;
};

} // namespace ptychoscale
