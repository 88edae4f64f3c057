#pragma once

#include "ptychoscale/base/box.hpp"

#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace ptychoscale {

/// Whether tiles were sewn together without a trace: three metrics on reconstruction - truth, each against
/// the same measure taken away from the borders, and a fourth against the control, a run on one tile that is
/// measured at the parallel run's borders. The first three see sharp traces. An exchange that loses or
/// misplaces gradients leaves a smooth one, hidden under the lattice of what has not converged yet: the atoms
/// near the borders lag. Only a control that took the same steps shows how far they should be.

/// Where tiles meet: the first pixel behind each border, ascending.
struct TileBorders {
  std::vector<int> rows;    ///< y
  std::vector<int> columns; ///< x
};
/// The interior borders of a mesh of cores that partition the volume.
[[nodiscard]] TileBorders interior_borders(std::span<const Box> cores);

/// The metrics of one image across the borders of one axis; a member is empty where the metric does not
/// apply: no border in the region, too little room beside the borders, tiles that are not uniform, or no
/// error at all.
struct BorderSeams {
  /// Mean of g at the borders, in standard deviations of the same comb shifted off them: g = ln rms_y |D_c -
  /// (D_{c-1} + D_{c+1}) / 2| for column c, with D the first difference.
  std::optional<double> z;
  /// Mean over `step_width` pixels right minus left of each border, rms over the borders' segments between
  /// crossing borders, minus the same mid-tile.
  std::optional<double> step_V_A;
  std::optional<double> step_rad;
  /// The rms step at the borders in standard deviations of the same comb shifted off them.
  std::optional<double> step_z;
  /// Share of the power of the profile rms_y |D_c| (mean removed) at the frequencies of the tile period;
  /// uniform tiles only.
  std::optional<double> comb_power;
};

struct AxisSeams {
  BorderSeams summed;              ///< of the potential summed over slices
  std::vector<BorderSeams> slices; ///< by slice
  /// Error of the summed potential, rms over each strip of `step_width` pixels on either side of a border
  /// between crossing borders: [border][left, right][segment], V * angstrom.
  std::vector<double> strips_V_A;
};

struct SeamMetrics {
  AxisSeams rows;    ///< across borders between rows of tiles (along y)
  AxisSeams columns; ///< across borders between columns of tiles (along x)
};

/// Pixels averaged on each side of a border for the signed step.
inline constexpr int step_width = 8;

/// A seam z or step z above this is a seam. The null distribution has as few as `comb_shifts_least` shifts,
/// usually 30 and more: Student's t with 29 degrees of freedom passes 5 once in 8e4 tries, so a report on 100
/// slices and two axes cries wolf in less than 1 % of runs.
inline constexpr double seam_z_limit = 5.0;
inline constexpr double step_z_limit = 5.0;
/// The comb power may exceed the control's by this much. Over k tile periods of P pixels each, the share of a
/// featureless profile is 1/k with a standard deviation of sqrt(2 (1 - 1/k) / P) / k, 0.06 for k = 3, P = 40;
/// the limit is 2.9 of a difference of two such. Judged on the summed potential only, once per axis.
inline constexpr double comb_power_limit = 0.25;
/// The error beside a border may exceed the control's by this much (in ln rms). On PbTiO3 between 3 and 20
/// iterations an intact exchange stays below 0.01 with `batch` and below 0.07 with `once`, whose local steps
/// cannot know the neighbours' (the lag fades: 0.012 after 20); with one pass left out or one halo off by a
/// pixel the least excess seen is 0.13. Judge early: where a broken exchange still lets the error converge,
/// its lag fades too, to 0.03 after 50 iterations with a backward pass left out.
inline constexpr double border_excess_limit = 0.1;
/// Fewest shifts from which a null distribution is drawn; below, a standard deviation means little.
inline constexpr int comb_shifts_least = 12;

/// Reads reconstruction - truth of one slice, [y][x], V * angstrom.
using ErrorReader = std::function<void(int slice, std::span<float> error)>;

/// Measures `slices` slices of `extent` and their sum, one slice in memory at a time. `sigma` in rad / (V *
/// angstrom). Borders count when they lie inside `region`, the illuminated box. Throws InputError for an
/// empty region or one that reaches outside.
[[nodiscard]] SeamMetrics measure_seams(const ErrorReader& read_error, int slices, Extent extent,
                                        double sigma, const TileBorders& borders, const Box& region);

/// Which metrics show a seam, on either axis.
struct SeamVerdict {
  bool z = false;      ///< the sum or any slice
  bool step = false;   ///< the sum or any slice
  bool comb = false;   ///< the sum, against the control
  bool excess = false; ///< the sum, against a control that took the same steps
  [[nodiscard]] bool any() const { return z || step || comb || excess; }
};

/// Largest ln of a strip's error over the control's in the same strip; empty without a strip. Both must have
/// been measured at the same borders.
[[nodiscard]] std::optional<double> border_excess(const AxisSeams& run, const AxisSeams& control);

/// What the control shares with the run.
enum class Pairing {
  data,  ///< the same data only: errors differ by how far each has converged
  steps, ///< update rule, step size and iterations, too: errors compare strip by strip
};

/// Without a control neither the comb power nor the border excess is judged; the excess needs one paired by
/// its steps.
[[nodiscard]] SeamVerdict judge_seams(const SeamMetrics& run, const SeamMetrics* control,
                                      Pairing pairing = Pairing::data);

} // namespace ptychoscale
